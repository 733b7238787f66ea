"""Find and fill the `${{ }}` in one text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.adapters.local.interpreter.errors import ExpressionError, PipelineError
from bot.adapters.local.interpreter.evaluate import Scope, compute
from bot.adapters.local.interpreter.expressions import Value
from bot.adapters.local.interpreter.source import Node, Scalar, Where
from bot.adapters.local.interpreter.values import to_node, to_text

_OPEN = "${{"
_DIRECTIVE = re.compile(r"(if|elseif|else|each|insert)\b\s*(.*)", re.DOTALL)
_LOOP = re.compile(r"([A-Za-z_]\w*)\s+in\s+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Directive:
    """A key such as `${{ if eq(1, 2) }}`: its word and what follows."""

    word: str
    rest: str
    where: Where

    def loop(self) -> tuple[str, str]:
        """Return the variable and the collection of an `each`."""
        match = _LOOP.fullmatch(self.rest)
        if match is None:
            raise PipelineError(f"{self.where}: write `${{{{ each item in collection }}}}`.")
        return match[1], match[2]


def directive(key: Scalar) -> Directive | None:
    """Return the directive that `key` is, if it is one."""
    inner = _whole(key)
    match = _DIRECTIVE.fullmatch(inner) if inner is not None else None
    return Directive(match[1], match[2].strip(), key.where) if match else None


def has_expression(text: str) -> bool:
    """Return whether anything in `text` is to be filled."""
    return _OPEN in text


def fill(node: Scalar, scope: Scope) -> Node:
    """Fill every `${{ }}` of `node`; one that is the whole text may give a list or mapping."""
    if not has_expression(node.text):
        return node
    inner = _whole(node)
    if inner is not None:
        return to_node(evaluate_at(inner, scope, node.where), node.where)
    return Scalar("".join(_filled(node, scope)), node.where)


def evaluate_at(text: str, scope: Scope, where: Where) -> Value:
    """Compute an expression; a fault becomes a PipelineError with its place."""
    try:
        return compute(text, scope)
    except ExpressionError as error:
        raise PipelineError(f"{where}: in the expression `{text}`: {error}.") from error


def _filled(node: Scalar, scope: Scope) -> Iterator[str]:
    for is_expression, part in _parts(node):
        if not is_expression:
            yield part
            continue
        value = evaluate_at(part, scope, node.where)
        try:
            yield to_text(value)
        except ExpressionError as error:
            raise PipelineError(f"{node.where}: in the expression `{part}`: {error}.") from error


def _whole(node: Scalar) -> str | None:
    parts = [part for part in _parts(node) if part[0] or part[1].strip()]
    return parts[0][1] if len(parts) == 1 and parts[0][0] else None


def _parts(node: Scalar) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of the text; true marks what stood between `${{` and `}}`."""
    text, at = node.text, 0
    while (start := text.find(_OPEN, at)) >= 0:
        end = _closing(text, start + len(_OPEN))
        if end < 0:
            raise PipelineError(f"{node.where}: a `${{{{` is not closed with `}}}}`.")
        yield False, text[at:start]
        yield True, text[start + len(_OPEN) : end].strip()
        at = end + 2
    yield False, text[at:]


def _closing(text: str, at: int) -> int:
    """Return where `}}` stands outside quotes, or -1."""
    quoted = False
    while at < len(text):
        if text[at] == "'":
            quoted = not quoted
        elif not quoted and text.startswith("}}", at):
            return at
        at += 1
    return -1
