"""Conditions: read with the file, so that a fault is refused before anything runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.adapters.local.interpreter.errors import ExpressionError, PipelineError
from bot.adapters.local.interpreter.evaluate import Scope, check, evaluate
from bot.adapters.local.interpreter.expressions import (
    Call,
    Expression,
    Index,
    Literal,
    Name,
    parse,
)
from bot.adapters.local.interpreter.source import Node, Scalar, Where
from bot.adapters.local.interpreter.values import to_boolean

STATUSES = frozenset({"always", "canceled", "failed", "succeeded", "succeededorfailed"})
_CONTEXTS = {
    "stage": frozenset({"variables", "dependencies"}),
    "job": frozenset({"variables", "dependencies", "stageDependencies"}),
    "step": frozenset({"variables"}),
}


@dataclass(frozen=True)
class Level:
    """Whose condition it is: `stage`, `job` or `step`, and what it depends on."""

    kind: str
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Condition:
    """A condition as written and as read. An explicit one replaces the default `succeeded()`."""

    text: str
    expression: Expression
    where: Where | None

    def holds(self, scope: Scope) -> bool:
        """Evaluate; raises PipelineError with the place when it cannot be computed."""
        try:
            return to_boolean(evaluate(self.expression, scope))
        except ExpressionError as error:
            raise PipelineError(f"{self.where}: the condition `{self.text}`: {error}.") from error


def condition(node: Node | None, level: Level) -> Condition:
    """Read `condition:`; raises PipelineError for one that can never be computed."""
    if node is None or (isinstance(node, Scalar) and not node.text.strip()):
        return Condition("succeeded()", Call("succeeded", ()), None)
    if not isinstance(node, Scalar):
        raise PipelineError(f"{node.where}: `condition` must be a text.")
    written = " ".join(node.text.split())
    try:
        expression = parse(node.text)
        check(expression, _CONTEXTS[level.kind], STATUSES)
        _check_dependencies(expression, level)
    except ExpressionError as error:
        raise PipelineError(f"{node.where}: the condition `{written}`: {error}.") from error
    return Condition(written, expression, node.where)


def _check_dependencies(expression: Expression, level: Level) -> None:
    """Refuse a look at something that is not in `dependsOn`: on Azure it is null, silently."""
    known = {name.lower() for name in level.depends_on}
    for name in _named(expression):
        if name.lower() not in known:
            raise ExpressionError(f"`{name}` is not in `dependsOn`")


def _named(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Call):
        if expression.function in STATUSES:
            yield from filter(None, map(_text, expression.arguments))
        for argument in expression.arguments:
            yield from _named(argument)
    elif isinstance(expression, Index):
        is_root = isinstance(expression.of, Name) and expression.of.name.lower() == "dependencies"
        name = _text(expression.key) if is_root else None
        if name is not None:
            yield name
        yield from _named(expression.of)


def _text(expression: Expression | None) -> str | None:
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        return expression.value
    return None
