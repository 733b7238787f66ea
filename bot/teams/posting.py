"""Turn a post into the activity that a channel takes: one card alone, small enough."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.cards.card import Card
from bot.domain.people import Thread, ThreadKind
from bot.domain.posts import (
    AlertPost,
    ApprovalPost,
    LogsPost,
    MetricsPost,
    Post,
    RunPost,
    post_json,
)
from bot.domain.view import RunView
from bot.errors import InputError
from bot.teams import answers

# Teams refuses about 100 KB in UTF-16 with 413; what it adds itself is not known.
MOST_BYTES = 80_000


@dataclass(frozen=True)
class Draw:
    """How a post becomes a card, and readable text for the console."""

    card: Callable[[Post], Card]
    text: Callable[[Post], str]


def outgoing(thread: Thread, post: Post, draw: Draw) -> dict[str, Any]:
    """Return the activity: a card alone with a summary, since text beside it would be split off.

    The console gets text and the post's values besides, for it draws no cards.
    """
    card = fitted(post, draw)
    body: dict[str, Any] = {
        "type": "message",
        "from": {"id": thread.bot_id},
        "conversation": {"id": thread.id},
        "summary": card.summary,
        "attachments": [{"contentType": answers.CARD, "content": card.body}],
    }
    if thread.kind is ThreadKind.CONSOLE:
        body["text"] = draw.text(post)
        body["channelData"] = {"post": post_json(post)}
    return body


def fitted(post: Post, draw: Draw) -> Card:
    """Return the post's card, without logs and samples where they make it too big.

    Raises `InputError` for a post that is too big without them.
    """
    card = draw.card(post)
    for shorten in (_with_fewer_lines, _without_lines):
        if size(card) <= MOST_BYTES:
            return card
        card = draw.card(shorten(post))
    if size(card) > MOST_BYTES:
        raise InputError(
            f"This answer is too long for a card ({size(card) // 1000} KB, and at most "
            f"{MOST_BYTES // 1000} fit); ask for less at once, or open the run's page."
        )
    return card


def size(card: Card) -> int:
    """Return what the card's JSON takes in UTF-16, as Teams counts."""
    return len(json.dumps(card.body, ensure_ascii=False).encode("utf-16-le", "surrogatepass"))


def _with_fewer_lines(post: Post) -> Post:
    if isinstance(post, LogsPost):
        return _log_tail(post, 20)
    return _smaller_run(post, 5)


def _without_lines(post: Post) -> Post:
    if isinstance(post, LogsPost):
        return _log_tail(post, 5)
    return _smaller_run(post, 0)


def _log_tail(post: LogsPost, count: int) -> LogsPost:
    lines = tuple(line[:500] for line in post.lines[-count:])
    return replace(post, lines=lines, first=post.first + len(post.lines) - len(lines))


def _smaller_run(post: Post, lines: int) -> Post:
    if not isinstance(post, RunPost | AlertPost | ApprovalPost | MetricsPost):
        return post
    return replace(post, run=_smaller_view(post.run, lines))


def _smaller_view(run: RunView, lines: int) -> RunView:
    cause = run.diagnosis
    if cause is not None:
        tail = tuple(line[:500] for line in cause.log_tail[-lines:]) if lines else ()
        cause = replace(cause, log_tail=tail)
    return replace(run, samples=(), diagnosis=cause)
