"""Compute an expression: contexts by name, functions by table, only the arguments that matter."""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from bot.adapters.local.interpreter.errors import ExpressionError
from bot.adapters.local.interpreter.expressions import (
    Call,
    Expression,
    Index,
    Literal,
    Name,
    Value,
    parse,
)
from bot.adapters.local.interpreter.functions import FUNCTIONS, MANY, Function
from bot.adapters.local.interpreter.values import (
    describe,
    equal,
    list_of,
    lookup,
    members,
    to_boolean,
)

Status = Callable[..., bool]


@dataclass(frozen=True)
class Scope:
    """What an expression may name: contexts and loop variables, and status functions if any.

    `strict` names contexts in which an unknown key is refused instead of being null.
    """

    names: Mapping[str, Value]
    statuses: Mapping[str, Status] = field(default_factory=dict)
    strict: frozenset[str] = frozenset()

    def with_name(self, name: str, value: Value) -> "Scope":
        """Return a scope that also knows `name`."""
        return Scope({**self.names, name: value}, self.statuses, self.strict)


def compute(text: str, scope: Scope) -> Value:
    """Parse and evaluate `text`; raises ExpressionError."""
    return evaluate(parse(text), scope)


def check(expression: Expression, names: Collection[str], statuses: Collection[str]) -> None:
    """Raise ExpressionError for a name or function that no evaluation will know."""
    if isinstance(expression, Name):
        if expression.name.lower() not in {name.lower() for name in names}:
            raise ExpressionError(_unknown_name(expression, names))
    elif isinstance(expression, Index):
        check(expression.of, names, statuses)
        if expression.key is not None:
            check(expression.key, names, statuses)
    elif isinstance(expression, Call):
        if expression.function not in statuses:
            function = _function(expression.function)
            function.check(expression.function, len(expression.arguments))
        for argument in expression.arguments:
            check(argument, names, statuses)


def evaluate(expression: Expression, scope: Scope) -> Value:
    """Evaluate a parsed expression; raises ExpressionError."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Name):
        return _name(expression, scope)
    if isinstance(expression, Index):
        return _index(expression, scope)
    return _call(expression, scope)


def _name(expression: Name, scope: Scope) -> Value:
    for name, value in scope.names.items():
        if name.lower() == expression.name.lower():
            return value
    raise ExpressionError(_unknown_name(expression, scope.names))


def _unknown_name(expression: Name, names: Collection[str]) -> str:
    known = ", ".join(sorted(names)) or "none"
    return f"there is no `{expression.name}` here; known are: {known}"


def _index(expression: Index, scope: Scope) -> Value:
    of = evaluate(expression.of, scope)
    if expression.key is None:
        return list_of(members(of))
    key = evaluate(expression.key, scope)
    if isinstance(expression.of, Index) and _is_filter(expression.of):
        found = [lookup(item, key) for item in members(of)]
        return list_of(value for value in found if value is not None)
    value = lookup(of, key)
    if value is None and isinstance(expression.of, Name) and expression.of.name in scope.strict:
        raise ExpressionError(f"`{expression.of.name}` has no {describe(key)}")
    return value


def _is_filter(expression: Expression) -> bool:
    """Return whether `expression` goes through `*`, so that an index applies to each item."""
    while isinstance(expression, Index):
        if expression.key is None:
            return True
        expression = expression.of
    return False


def _call(call: Call, scope: Scope) -> Value:
    if call.function in scope.statuses:
        return scope.statuses[call.function](*[evaluate(each, scope) for each in call.arguments])
    function = _function(call.function)
    function.check(call.function, len(call.arguments))
    if call.function in _LAZY:
        return function.apply(call.arguments, scope)
    return function.apply(*[evaluate(argument, scope) for argument in call.arguments])


def _function(name: str) -> Function:
    function = _LAZY.get(name) or FUNCTIONS.get(name)
    if function is not None:
        return function
    if name in _STATUS_NAMES:
        raise ExpressionError(f"`{name}()` can be used only in a condition")
    near = difflib.get_close_matches(name, [*FUNCTIONS, *_LAZY], n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise ExpressionError(f"there is no function `{name}`{hint}")


Arguments = tuple[Expression, ...]


def _and(arguments: Arguments, scope: Scope) -> Value:
    return all(to_boolean(evaluate(argument, scope)) for argument in arguments)


def _or(arguments: Arguments, scope: Scope) -> Value:
    return any(to_boolean(evaluate(argument, scope)) for argument in arguments)


def _in(arguments: Arguments, scope: Scope) -> bool:
    left = evaluate(arguments[0], scope)
    return any(equal(left, evaluate(argument, scope)) for argument in arguments[1:])


def _not_in(arguments: Arguments, scope: Scope) -> Value:
    return not _in(arguments, scope)


def _coalesce(arguments: Arguments, scope: Scope) -> Value:
    for argument in arguments:
        value = evaluate(argument, scope)
        if value is not None and value != "":
            return value
    return None


def _iif(arguments: Arguments, scope: Scope) -> Value:
    chosen = 1 if to_boolean(evaluate(arguments[0], scope)) else 2
    return evaluate(arguments[chosen], scope)


_LAZY: dict[str, Function] = {
    "and": Function(2, MANY, _and),
    "coalesce": Function(2, MANY, _coalesce),
    "iif": Function(3, 3, _iif),
    "in": Function(1, MANY, _in),
    "notin": Function(1, MANY, _not_in),
    "or": Function(2, MANY, _or),
}
_STATUS_NAMES = frozenset({"always", "canceled", "failed", "succeeded", "succeededorfailed"})
