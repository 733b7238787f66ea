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
        """Replace `$(name)` in the values themselves, until nothing changes."""
        for _ in range(MAX_NESTING):
            filled = {
                key: Variable(each.name, self.fill(each.value), each.secret, each.readonly)
                for key, each in self._by_name.items()
            }
            if filled == self._by_name:
                return
            self._by_name = filled

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
