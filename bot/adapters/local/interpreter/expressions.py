"""The expression language of Azure Pipelines: text to tree.

Source: learn.microsoft.com/azure/devops/pipelines/process/expressions. Values are null (`None`),
booleans, numbers (`Decimal`), texts, versions and the nodes of `source` (lists and mappings).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from typing_extensions import override

from bot.adapters.local.interpreter.errors import ExpressionError
from bot.adapters.local.interpreter.source import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Version:
    """A version literal such as 1.2.3: two to four numbers."""

    parts: tuple[int, ...]

    @override
    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts)


Constant = bool | Decimal | str | Version | None
Value = Constant | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out."""

    value: Constant


@dataclass(frozen=True, slots=True)
class Name:
    """A context such as `parameters`, or a loop variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`of[key]` or `of.key`; `key` is None for the wildcard `*`."""

    of: "Expression"
    key: "Expression | None"


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple["Expression", ...]


Expression = Literal | Name | Index | Call

MAX_DEPTH = 50  # Azure's own limit on nesting in an expression

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<version>\d+\.\d+\.\d+(?:\.\d+)?(?![\w.]))
    | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?![\w.]))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>[()\[\],.*])
    )""",
    re.VERBOSE,
)
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Expression:
    """Read one expression; raises ExpressionError with the column at which it goes wrong."""
    reader = _Reader(text)
    result = reader.expression(0)
    reader.expect("end")
    return result


def function_names(expression: Expression) -> Iterator[str]:
    """Yield the lower-case name of every function called anywhere in `expression`."""
    if isinstance(expression, Call):
        yield expression.function
        for argument in expression.arguments:
            yield from function_names(argument)
    elif isinstance(expression, Index):
        yield from function_names(expression.of)
        if expression.key is not None:
            yield from function_names(expression.key)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].strip()
            column = len(text) - len(text[at:].lstrip()) + 1
            raise ExpressionError(f"`{rest.split(maxsplit=1)[0]}` cannot be read (column {column})")
        kind = str(match.lastgroup)
        yield _Token(kind, match.group(kind), match.start(kind))
        at = match.end()
    yield _Token("end", "", len(text))


class _Reader:
    """A recursive-descent parser over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0

    def expression(self, depth: int) -> Expression:
        result: Expression | None = None
        while result is None or self._is_sign(".") or self._is_sign("["):
            if depth > MAX_DEPTH:
                raise ExpressionError(f"it is nested more than {MAX_DEPTH} deep")
            result = self._primary(depth) if result is None else self._postfix(result, depth)
            depth += 1
        return result

    def expect(self, kind: str, text: str = "") -> _Token:
        token = self._peek()
        if token.kind != kind or (text and token.text != text):
            wanted = f"`{text}`" if text else {"end": "the end", "name": "a name"}[kind]
            found = f"`{token.text}`" if token.text else "the end"
            raise ExpressionError(f"expected {wanted}, found {found} (column {token.at + 1})")
        self._next += 1
        return token

    def _peek(self) -> _Token:
        return self._tokens[min(self._next, len(self._tokens) - 1)]

    def _is_sign(self, sign: str) -> bool:
        return self._peek().kind == "sign" and self._peek().text == sign

    def _primary(self, depth: int) -> Expression:
        token = self._peek()
        if token.kind in _LITERALS:
            self._next += 1
            return Literal(_LITERALS[token.kind](token.text))
        name = self.expect("name").text
        if self._is_sign("("):
            return Call(name.lower(), tuple(self._arguments(depth)))
        if name.lower() in _CONSTANTS:
            return Literal(_CONSTANTS[name.lower()])
        return Name(name)

    def _arguments(self, depth: int) -> Iterator[Expression]:
        self.expect("sign", "(")
        if not self._is_sign(")"):
            yield self.expression(depth + 1)
            while self._is_sign(","):
                self._next += 1
                yield self.expression(depth + 1)
        self.expect("sign", ")")

    def _postfix(self, of: Expression, depth: int) -> Expression:
        is_dot = self.expect("sign").text == "."
        if self._is_sign("*"):
            self._next += 1
            key: Expression | None = None
        elif is_dot:
            return Index(of, Literal(self.expect("name").text))
        else:
            key = self.expression(depth + 1)
        if not is_dot:
            self.expect("sign", "]")
        return Index(of, key)


def _version(text: str) -> Version:
    return Version(tuple(int(part) for part in text.split(".")))


def _text(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")


_LITERALS: dict[str, Callable[[str], Constant]] = {
    "text": _text,
    "version": _version,
    "number": Decimal,
}
