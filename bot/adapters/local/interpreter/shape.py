"""Take a node for what it must be, or refuse it by file and line."""

import difflib
import math

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Sequence, kind

NEAR = 0.8  # a typing mistake; below it the nearest key is another one (container, condition)


def mapping(node: Node, what: str) -> Mapping:
    """Return `node` if it is a mapping."""
    if not isinstance(node, Mapping):
        raise PipelineError(f"{node.where}: {what} must be a mapping, not {kind(node)}.")
    return node


def sequence(node: Node, what: str) -> Sequence:
    """Return `node` if it is a list; an empty text counts as an empty list."""
    if isinstance(node, Scalar) and not node.text:
        return Sequence((), node.where)
    if not isinstance(node, Sequence):
        raise PipelineError(f"{node.where}: `{what}` must be a list, not {kind(node)}.")
    return node


def text(entry: Mapping, key: str, default: str = "") -> str:
    """Return the text under `key`, or `default`."""
    node = entry.get(key)
    if node is None:
        return default
    if not isinstance(node, Scalar):
        raise PipelineError(f"{node.where}: `{key}` must be a text, not {kind(node)}.")
    return node.text


def texts(entry: Mapping, key: str) -> tuple[str, ...]:
    """Return the list of texts under `key`; a single text is a list of one."""
    node = entry.get(key)
    if node is None:
        return ()
    if isinstance(node, Scalar):
        return (node.text,) if node.text else ()
    found = []
    for item in sequence(node, key).items:
        if not isinstance(item, Scalar):
            raise PipelineError(f"{item.where}: `{key}` must hold texts, not {kind(item)}.")
        found.append(item.text)
    return tuple(found)


def boolean(entry: Mapping, key: str, *, default: bool) -> bool:
    """Return the true or false under `key`, or `default`."""
    value = text(entry, key)
    if not value:
        return default
    if value.lower() not in {"true", "false"}:
        raise PipelineError(f"{entry.where}: `{key}` must be true or false, not `{value}`.")
    return value.lower() == "true"


def minutes(entry: Mapping, key: str, default: float) -> float:
    """Return the minutes under `key`, or `default`; 0 is no limit, as on an agent of one's own."""
    value = text(entry, key)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number < math.inf:
        raise PipelineError(f"{entry.where}: `{key}` must be a number of minutes, not `{value}`.")
    return number or math.inf


def check_keys(entry: Mapping, known: frozenset[str], what: str) -> None:
    """Refuse keys that are not in `known`: they would have a meaning on Azure and none here."""
    for key in entry.keys:
        if key.text not in known:
            near = difflib.get_close_matches(key.text, known, n=1, cutoff=NEAR)
            hint = f"did you mean `{near[0]}`?" if near else f"known are: {_names(known)}."
            raise PipelineError(
                f"{key.where}: {what} with `{key.text}` is not supported here; {hint}"
            )


def _names(known: frozenset[str]) -> str:
    return ", ".join(sorted(known))
