"""How the values of the expression language turn into one another, and how they compare.

Source: the table "Type casting" of learn.microsoft.com/azure/devops/pipelines/process/expressions.
"""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bot.adapters.local.interpreter.errors import ExpressionError
from bot.adapters.local.interpreter.expressions import Value, Version
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Sequence, Where

RUNTIME = Where("(runtime)", 0)
_NUMBER = re.compile(r"\s*[-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)\s*")
_VERSION = re.compile(r"\d+(?:\.\d+){1,3}")


def to_boolean(value: Value) -> bool:
    """Convert: null, '', 0 and False are false; all else, the text 'false' included, is true."""
    if isinstance(value, (Version, Sequence, Mapping)):
        return True
    return bool(value)


def to_text(value: Value) -> str:
    """Convert to text; raises ExpressionError for lists and mappings."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, (Sequence, Mapping)):
        raise ExpressionError("a list or mapping cannot be made a text")
    return str(value)


def to_number(value: Value) -> Decimal:
    """Convert to a number; raises ExpressionError where Azure cannot."""
    if value is None or value == "":
        return Decimal(0)
    if isinstance(value, (bool, Decimal)):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value.strip().replace(",", ""))
    raise ExpressionError(f"{describe(value)} is not a number")


def to_version(value: Value) -> Version:
    """Convert to a version; raises ExpressionError where Azure cannot."""
    if isinstance(value, Version):
        return value
    text = to_text(value) if isinstance(value, (str, Decimal)) else ""
    if not _VERSION.fullmatch(text):
        raise ExpressionError(f"{describe(value)} is not a version")
    return Version(tuple(int(part) for part in text.split(".")))


def equal(left: Value, right: Value) -> bool:
    """Compare as `eq` does: right becomes left's type; texts ignore case; False if it cannot."""
    if isinstance(left, (Sequence, Mapping)) or isinstance(right, (Sequence, Mapping)):
        return left is right
    try:
        return _same_type(left, right)
    except ExpressionError:
        return False


def order(left: Value, right: Value) -> int:
    """Return -1, 0 or 1 as `left` is less, equal or greater; raises where Azure cannot compare."""
    if isinstance(left, Version):
        other = to_version(right).parts
        return (left.parts > other) - (left.parts < other)
    if isinstance(left, str):
        text = to_text(right).lower()
        return (left.lower() > text) - (left.lower() < text)
    if left is None or isinstance(left, (bool, Decimal)):
        number = to_number(right)
        return (Decimal(left or 0) > number) - (Decimal(left or 0) < number)
    raise ExpressionError("lists and mappings have no order")


def lookup(value: Value, key: Value) -> Value:
    """Return the entry `key` of a mapping or item of a list; null when there is none."""
    if isinstance(value, Mapping):
        return from_node(value.get(to_text(key)))
    if isinstance(value, Sequence):
        index = to_number(key)
        inside = index == index.to_integral_value() and 0 <= index < len(value.items)
        return from_node(value.items[int(index)]) if inside else None
    return None


def members(value: Value) -> tuple[Value, ...]:
    """Return what a list or mapping holds; nothing for other values."""
    if isinstance(value, Sequence):
        return tuple(from_node(item) for item in value.items)
    if isinstance(value, Mapping):
        return tuple(from_node(item) for _, item in value.entries)
    return ()


def from_node(node: Node | None) -> Value:
    """Return a node as a value: a scalar is its text."""
    if isinstance(node, Scalar):
        return node.text if node.typed is None else node.typed
    return node


def to_node(value: Value, where: Where) -> Node:
    """Return a value as a node at `where`; lists and mappings keep the place they came from."""
    if isinstance(value, (Sequence, Mapping)):
        return value
    typed = value if isinstance(value, (bool, Decimal)) else None
    return Scalar(to_text(value), where, typed)


def list_of(values: Iterable[Value], where: Where = RUNTIME) -> Sequence:
    """Return a list value."""
    return Sequence(tuple(to_node(value, where) for value in values), where)


def mapping_of(entries: dict[str, Value], where: Where = RUNTIME) -> Mapping:
    """Return a mapping value."""
    pairs = tuple((Scalar(key, where), to_node(value, where)) for key, value in entries.items())
    return Mapping(pairs, where)


def to_json(value: Value) -> str:
    """Return JSON as `convertToJson` writes it: two spaces, all scalars inside lists as texts."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def describe(value: Value) -> str:
    """Return `value` in words for a message."""
    if isinstance(value, Sequence):
        return "a list"
    if isinstance(value, Mapping):
        return "a mapping"
    return "null" if value is None else f"`{to_text(value)}`"


def _same_type(left: Value, right: Value) -> bool:
    if left is None:
        return right is None or right == ""
    if isinstance(left, bool):
        return left is to_boolean(right)
    if isinstance(left, Decimal):
        return left == to_number(right)
    if isinstance(left, Version):
        return left == to_version(right)
    return to_text(left).lower() == to_text(right).lower()


def _plain(value: Value | Scalar) -> Any:
    if isinstance(value, Mapping):
        return {key.text: _plain(item) for key, item in value.entries}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value.items]
    if isinstance(value, Scalar):
        return _plain(from_node(value))
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, Version) else value
