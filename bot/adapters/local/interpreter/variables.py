"""Variables: declared in the file, set by steps, written `$(x)`, and given to scripts."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.adapters.local.interpreter.errors import ExpressionError, PipelineError
from bot.adapters.local.interpreter.evaluate import Scope, check, compute
from bot.adapters.local.interpreter.expressions import Value, parse
from bot.adapters.local.interpreter.shape import boolean, check_keys, mapping, sequence, text
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Where
from bot.adapters.local.interpreter.values import mapping_of, to_text

MAX_NESTING = 50  # `$(a)` within the value of b within ...: the agent's own limit
MAX_LENGTH = 131_072  # what Linux takes for one environment variable (MAX_ARG_STRLEN)
_MACRO = re.compile(r"\$\(([^()]+)\)")
_RUNTIME = re.compile(r"\s*\$\[(.*)\]\s*", re.DOTALL)
_CONTEXTS = frozenset({"variables", "dependencies", "stageDependencies"})


@dataclass(frozen=True, slots=True)
class Declared:
    """A variable of the file; its value may be `$[ an expression ]`, computed before the job."""

    name: str
    value: str
    readonly: bool
    where: Where

    @property
    def expression(self) -> str | None:
        """The text between `$[` and `]`, if that is what the value is."""
        match = _RUNTIME.fullmatch(self.value)
        return match[1].strip() if match else None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable while the job runs."""

    name: str
    value: str
    secret: bool = False
    readonly: bool = False


class Variables:
    """The variables of one job; names ignore case, the last value set wins."""

    def __init__(self, variables: Iterable[Variable] = ()) -> None:
        self._by_name = {variable.name.lower(): variable for variable in variables}

    def set(self, variable: Variable) -> bool:
        """Set it; return False, changing nothing, when the name is read-only."""
        known = self._by_name.get(variable.name.lower())
        if known is not None and known.readonly:
            return False
        # A secret stays one: a later plain value may well be made from it.
        is_secret = variable.secret or (known is not None and known.secret)
        kept = Variable(variable.name, variable.value, is_secret, variable.readonly)
        self._by_name[variable.name.lower()] = kept
        return True

    def all(self) -> tuple[Variable, ...]:
        """Return every variable."""
        return tuple(self._by_name.values())

    def copy(self) -> "Variables":
        """Return variables that may go their own way."""
        return Variables(self._by_name.values())

    def fill(self, template: str) -> str:
        """Replace each known `$(name)`, once; an unknown one stays as it is, as on the agent."""
        return _MACRO.sub(self._macro, template)

    def resolve(self) -> None:
        """Replace `$(name)` in the values themselves; a variable's own name stays as it is.

        Raises PipelineError where variables name each other, or grow beyond all bounds.
        """
        done: dict[str, str] = {}
        for key in self._by_name:
            self._resolved(key, done, ())
        for key, value in done.items():
            each = self._by_name[key]
            self._by_name[key] = Variable(each.name, value, each.secret, each.readonly)

    def _resolved(self, key: str, done: dict[str, str], above: tuple[str, ...]) -> str:
        if key in done:
            return done[key]
        chain = (*above, key)

        def inner(match: re.Match[str]) -> str:
            name = match[1].strip().lower()
            if name not in self._by_name or name == key:
                return match[0]
            if name in above:
                names = ", ".join(self._by_name[each].name for each in chain)
                raise PipelineError(f"These variables name each other: {names}.")
            return self._resolved(name, done, chain)

        done[key] = _MACRO.sub(inner, self._by_name[key].value)
        if len(done[key]) > MAX_LENGTH or len(above) > MAX_NESTING:
            raise PipelineError(
                f"The variable `{self._by_name[key].name}` grows beyond {MAX_LENGTH} characters "
                f"or names others more than {MAX_NESTING} deep."
            )
        return done[key]

    def environment(self) -> dict[str, str]:
        """Return what a script gets: `Build.BuildId` as BUILD_BUILDID; secrets stay out."""
        return {
            re.sub(r"[. ]", "_", each.name).upper(): each.value
            for each in self._by_name.values()
            if not each.secret
        }

    def value(self) -> Mapping:
        """Return them as the context `variables` of an expression."""
        values: dict[str, Value] = {each.name: each.value for each in self._by_name.values()}
        return mapping_of(values)

    def _macro(self, match: re.Match[str]) -> str:
        known = self._by_name.get(match[1].strip().lower())
        return match[0] if known is None else known.value


def declared_variables(node: Node | None) -> tuple[Declared, ...]:
    """Read a `variables:` block, list or mapping."""
    found = tuple(_declarations(node))
    for variable in found:
        if variable.expression is not None:
            _checked(variable, lambda text: check(parse(text), _CONTEXTS, frozenset()))
    return found


def computed(declared: Declared, scope: Scope) -> Variable:
    """Return the variable with its `$[ ]` computed; null becomes the empty text."""
    value = declared.value
    if declared.expression is not None:
        value = _checked(declared, lambda text: to_text(compute(text, scope)))
    return Variable(declared.name, value, readonly=declared.readonly)


def _checked(variable: Declared, use: Callable[[str], "str | None"]) -> str:
    try:
        return use(variable.expression or "") or ""
    except ExpressionError as error:
        raise PipelineError(
            f"{variable.where}: the variable `{variable.name}`: {error}."
        ) from error


def _declarations(node: Node | None) -> Iterator[Declared]:
    if isinstance(node, Mapping):
        for key, value in node.entries:
            if not isinstance(value, Scalar):
                raise PipelineError(f"{value.where}: the variable `{key.text}` must be a text.")
            yield Declared(key.text, value.text, readonly=False, where=key.where)
    elif node is not None:
        for item in sequence(node, "variables").items:
            yield _declaration(mapping(item, "a variable"))


def _declaration(entry: Mapping) -> Declared:
    if entry.get("group") is not None:
        raise PipelineError(
            f"{entry.where}: variable groups live in Azure DevOps and are not supported here."
        )
    check_keys(entry, frozenset({"name", "value", "readonly"}), "a variable")
    name = text(entry, "name")
    if not name:
        raise PipelineError(f"{entry.where}: a variable needs a `name`.")
    readonly = boolean(entry, "readonly", default=False)
    return Declared(name, text(entry, "value"), readonly, entry.where)
