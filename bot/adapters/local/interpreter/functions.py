"""The functions of the expression language that depend on nothing but their arguments.

Source: learn.microsoft.com/azure/devops/pipelines/process/expressions#functions. `and`, `or`, `in`
and others that may leave arguments alone are in `evaluate`; `counter` needs a server: refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bot.adapters.local.interpreter.errors import ExpressionError
from bot.adapters.local.interpreter.expressions import Value
from bot.adapters.local.interpreter.source import Mapping, Sequence
from bot.adapters.local.interpreter.values import (
    equal,
    list_of,
    members,
    order,
    to_boolean,
    to_json,
    to_text,
)

MANY = 99  # arguments; Azure names no limit


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, and what it does with their values."""

    at_least: int
    at_most: int
    apply: Callable[..., Value]

    def check(self, name: str, given: int) -> None:
        """Raise ExpressionError unless `given` arguments are right for it."""
        if not self.at_least <= given <= self.at_most:
            wanted = str(self.at_least)
            if self.at_most == MANY:
                wanted = f"at least {self.at_least}"
            elif self.at_most != self.at_least:
                wanted = f"{self.at_least} to {self.at_most}"
            plural = "" if wanted == "1" else "s"
            raise ExpressionError(f"`{name}` takes {wanted} argument{plural}, not {given}")


def _contains_value(collection: Value, wanted: Value) -> bool:
    return any(equal(wanted, item) for item in members(collection))


def _format(pattern: Value, *arguments: Value) -> str:
    text, texts = to_text(pattern), [to_text(argument) for argument in arguments]

    def replace(match: re.Match[str]) -> str:
        if match.group() in {"{{", "}}"}:
            return match.group()[0]
        if match.group(1) is None:
            raise ExpressionError(f"`format` cannot read `{text}`: double a brace to print it")
        if int(match.group(1)) >= len(texts):
            raise ExpressionError(f"`format` got no argument for `{match.group()}`")
        return texts[int(match.group(1))]

    return re.sub(r"\{\{|\}\}|\{(\d+)\}|\{|\}", replace, text)


def _join(separator: Value, collection: Value) -> str:
    if not isinstance(collection, Sequence):
        return to_text(collection)
    items = members(collection)
    texts = ["" if isinstance(item, (Sequence, Mapping)) else to_text(item) for item in items]
    return to_text(separator).join(texts)


def _length(value: Value) -> Decimal:
    if isinstance(value, (Sequence, Mapping)):
        return Decimal(len(members(value)))
    return Decimal(len(to_text(value)))


def _split(value: Value, separators: Value) -> Sequence:
    text, marks = to_text(value), to_text(separators)
    return list_of(re.split("|".join(re.escape(mark) for mark in marks), text) if marks else [text])


def _replace(text: Value, old: Value, new: Value) -> str:
    return to_text(text).replace(to_text(old), to_text(new)) if to_text(old) else to_text(text)


def _lower(value: Value) -> str:
    return to_text(value).lower()


FUNCTIONS: dict[str, Function] = {
    "contains": Function(2, 2, lambda text, part: _lower(part) in _lower(text)),
    "containsvalue": Function(2, 2, _contains_value),
    "converttojson": Function(1, 1, to_json),
    "endswith": Function(2, 2, lambda text, end: _lower(text).endswith(_lower(end))),
    "eq": Function(2, 2, equal),
    "format": Function(1, MANY, _format),
    "ge": Function(2, 2, lambda left, right: order(left, right) >= 0),
    "gt": Function(2, 2, lambda left, right: order(left, right) > 0),
    "join": Function(2, 2, _join),
    "le": Function(2, 2, lambda left, right: order(left, right) <= 0),
    "length": Function(1, 1, _length),
    "lower": Function(1, 1, _lower),
    "lt": Function(2, 2, lambda left, right: order(left, right) < 0),
    "ne": Function(2, 2, lambda left, right: not equal(left, right)),
    "not": Function(1, 1, lambda value: not to_boolean(value)),
    "replace": Function(3, 3, _replace),
    "split": Function(2, 2, _split),
    "startswith": Function(2, 2, lambda text, start: _lower(text).startswith(_lower(start))),
    "trim": Function(1, 1, lambda value: to_text(value).strip()),
    "upper": Function(1, 1, lambda value: to_text(value).upper()),
    "xor": Function(2, 2, lambda left, right: to_boolean(left) is not to_boolean(right)),
}
