"""Azure's expression language: how it reads, converts, compares and refuses."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.local.interpreter.errors import ExpressionError
from bot.adapters.local.interpreter.evaluate import Scope, compute
from bot.adapters.local.interpreter.expressions import (
    Call,
    Expression,
    Index,
    Literal,
    Name,
    Value,
    parse,
)
from bot.adapters.local.interpreter.source import Mapping, Where
from bot.adapters.local.interpreter.source import parse as parse_yaml
from bot.adapters.local.interpreter.values import mapping_of, to_json, to_node, to_text

WHERE = Where("test", 1)


def scope() -> Scope:
    """Return a scope with something of every kind."""
    data = parse_yaml(
        """
        name: ada
        empty: ''
        tools:
          - {id: 1, kind: gpu}
          - {id: 2, kind: cpu}
        nested: {deep: {er: found}}
        """,
        name="data.yml",
    )
    typed = mapping_of({"yes": True, "no": False, "number": Decimal("1.50")})
    return Scope({"parameters": data, "typed": typed})


def text(value: Value) -> str:
    return to_json(value) if isinstance(value, Mapping) else to_text(value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'it''s'", "it's"),
        ("true", "True"),
        ("FALSE", "False"),
        ("null", ""),
        ("-1.50", "-1.5"),
        ("1.2.3", "1.2.3"),
        ("100", "100"),
        ("parameters.name", "ada"),
        ("PARAMETERS['NAME']", "ada"),
        ("parameters.nested.deep['er']", "found"),
        ("parameters.tools[1].kind", "cpu"),
        ("parameters.tools[7].kind", ""),
        ("parameters.none.at.all", ""),
        ("join(',', parameters.tools.*.id)", "1,2"),
        ("join(',', parameters.tools[*].kind)", "gpu,cpu"),
        ("join('-', 'alone')", "alone"),
        ("join(',', split('a;b:c', ';:'))", "a,b,c"),
        ("format('{0} and {1}, {{0}}', 'a', 2)", "a and 2, {0}"),
        ("upper('aBc')", "ABC"),
        ("lower('aBc')", "abc"),
        ("trim('  a ')", "a"),
        ("replace('a.b.c', '.', '-')", "a-b-c"),
        ("length('four')", "4"),
        ("length(parameters.tools)", "2"),
        ("coalesce('', null, parameters.empty, 'last')", "last"),
        ("iif(eq(1, 1), 'yes', 'no')", "yes"),
        ("convertToJson(typed.number)", "1.5"),
        ("convertToJson(parameters.tools[0])", '{\n  "id": "1",\n  "kind": "gpu"\n}'),
    ],
)
def test_an_expression_gives_what_azure_says(expression: str, expected: str) -> None:
    assert text(compute(expression, scope())) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("eq('ABC', 'abc')", True),
        ("eq('True', true)", True),
        ("eq(true, 'anything')", True),
        ("eq(1, '1.0')", True),
        ("eq(1, 'one')", False),
        ("eq('', null)", True),
        ("eq(null, '')", True),
        ("eq(null, 'x')", False),
        ("eq(1.2.3, '1.2.3')", True),
        ("ne('a', 'b')", True),
        ("ne('a', 'A')", False),
        ("gt(10, 9)", True),
        ("gt('10', '9')", False),
        ("lt(9, '1,000')", True),
        ("ge(2, 2)", True),
        ("le(3, 2)", False),
        ("lt(1.2.3, 1.10.0)", True),
        ("and(true, 1, 'x')", True),
        ("and(true, '')", False),
        ("or(false, 0, null, '')", False),
        ("or(false, 'False')", True),
        ("xor(true, false)", True),
        ("xor(true, true)", False),
        ("not('')", True),
        ("in('b', 'A', 'B')", True),
        ("in('d', 'a', 'b')", False),
        ("notIn('d', 'a', 'b')", True),
        ("contains('ABCDE', 'bcd')", True),
        ("containsValue(parameters.tools.*.kind, 'GPU')", True),
        ("startsWith('refs/heads/main', 'REFS/')", True),
        ("endsWith('ABCDE', 'de')", True),
        ("and(typed.no, true)", False),
        ("eq(typed.yes, 'true')", True),
        ("eq(parameters.tools, parameters.tools)", True),
        ("eq(parameters.tools, 'x')", False),
    ],
)
def test_comparing_follows_the_left_side_and_ignores_case(expression: str, expected: bool) -> None:
    assert compute(expression, scope()) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("and(false, gt('x', parameters))", False),
        ("or(true, nope())", True),
        ("in(1, 1, gt(1, 'x'))", True),
    ],
)
def test_arguments_that_no_longer_matter_are_left_alone(expression: str, expected: bool) -> None:
    assert compute(expression, scope()) is expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "expected a name, found the end (column 1)"),
        ("eq(1, 2", "expected `)`, found the end (column 8)"),
        ("eq(1 2)", "expected `)`, found `2` (column 6)"),
        ("eq(1,)", "expected a name, found `)` (column 6)"),
        ("a b", "expected the end, found `b` (column 3)"),
        ("'open", "`'open` cannot be read (column 1)"),
        ("eq(1, $x)", "`$x)` cannot be read (column 7)"),
        ("a == b", "`==` cannot be read (column 3)"),
        ("a.", "expected a name, found the end (column 3)"),
        ("a['b'", "expected `]`, found the end (column 6)"),
        ("equals(1, 2)", "there is no function `equals`"),
        ("startWith('a', 'b')", "there is no function `startwith`; did you mean `startswith`?"),
        ("counter('a', 1)", "there is no function `counter`"),
        ("eq(1)", "`eq` takes 2 arguments, not 1"),
        ("and(1)", "`and` takes at least 2 arguments, not 1"),
        ("not(1, 2)", "`not` takes 1 argument, not 2"),
        ("succeeded()", "`succeeded()` can be used only in a condition"),
        ("secrets.x", "there is no `secrets` here; known are: parameters, typed"),
        ("gt(1, 'x')", "`x` is not a number"),
        ("gt(1.2.3, 'x')", "`x` is not a version"),
        ("gt(parameters.tools, 1)", "lists and mappings have no order"),
        ("format('{0} {1}', 'a')", "`format` got no argument for `{1}`"),
        ("format('{x}')", "`format` cannot read `{x}`: double a brace to print it"),
        ("upper(parameters.tools)", "a list or mapping cannot be made a text"),
        ("(" * 60, "expected a name, found `(` (column 1)"),
        ("not(" * 60 + "1" + ")" * 60, "it is nested more than 50 deep"),
        ("a" + ".b" * 60, "it is nested more than 50 deep"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_reason(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compute(expression, scope())
    assert str(caught.value) == message


def test_a_key_of_a_strict_context_must_exist() -> None:
    strict = Scope(scope().names, strict=frozenset({"parameters"}))
    with pytest.raises(ExpressionError, match=r"^`parameters` has no `nope`$"):
        compute("parameters.nope", strict)


# ------------------------------------------------------------------- properties of all expressions

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name.lower() not in {"true", "false", "null"}
)
literals = st.one_of(
    st.text(max_size=8).map(Literal),
    st.booleans().map(Literal),
    st.just(Literal(None)),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-999, max_value=999).map(
        Literal
    ),
)
expressions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(literals, names.map(Name)),
    lambda inner: st.one_of(
        st.builds(Index, st.one_of(names.map(Name)), st.one_of(st.none(), inner)),
        st.builds(Call, names.map(str.lower), st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=12,
)


def written(expression: Expression) -> str:
    """Write an expression as a person would."""
    if isinstance(expression, Literal):
        if isinstance(expression.value, str):
            return "'" + expression.value.replace("'", "''") + "'"
        return "null" if expression.value is None else str(expression.value).lower()
    if isinstance(expression, Name):
        return expression.name
    if isinstance(expression, Index):
        key = "*" if expression.key is None else written(expression.key)
        return f"{written(expression.of)}[{key}]"
    return f"{expression.function}( {', '.join(written(each) for each in expression.arguments)} )"


@given(expressions)
def test_what_is_written_is_read_back(expression: Expression) -> None:
    assert parse(written(expression)) == expression


@given(st.text(alphabet="eqandor()[]',.*0123456789 -$abc'\"", max_size=40))
def test_no_text_whatever_breaks_the_reader(noise: str) -> None:
    try:
        read = parse(noise)
    except ExpressionError:
        return
    assert parse(written(read)) == read


@given(st.text(), st.text())
def test_eq_and_ne_always_disagree(left: str, right: str) -> None:
    names = Scope({"l": left, "r": right})
    assert compute("eq(l, r)", names) is not compute("ne(l, r)", names)


@given(st.one_of(st.booleans(), st.decimals(allow_nan=False, allow_infinity=False, places=2)))
def test_a_value_keeps_its_type_through_a_parameter(value: bool | Decimal) -> None:
    assert compute("p.x", Scope({"p": mapping_of({"x": value})})) == value
    assert to_node(value, WHERE).text == to_text(value)
