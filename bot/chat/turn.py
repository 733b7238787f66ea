"""What comes in from a conversation, and what goes straight back, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.domain.people import Actor, Thread
from bot.domain.posts import Post

__all__ = ["Actor", "Conversation", "Reply", "Turn"]


@dataclass(frozen=True)
class Turn:
    """One verified message or click.

    `key` is the same when the channel delivers it again. `action` holds the data of a clicked
    card (`{"action": "start", "draft": "run-..."}` plus the inputs); then `text` is empty.
    `shown_id` is the channel's id of the clicked message, where the channel says it.
    """

    key: str
    actor: Actor
    thread: Thread
    text: str = ""
    action: Mapping[str, Any] = field(default_factory=dict)
    shown_id: str | None = None


@dataclass(frozen=True)
class Reply:
    """What goes back at once. New messages go through the outbox and are not in here.

    `replace` is the clicked card's new form: an Action.Execute gets it in its answer, an
    Action.Submit by an edit of the message. `notice` is a sentence for the one who clicked.
    """

    replace: Post | None = None
    notice: str = ""


class Conversation(Protocol):
    """The core's door for chat; the gateway knows no more of it."""

    async def handle(self, turn: Turn) -> Reply:
        """Do what the turn asks and store what to say. May be repeated with the same `key`.

        Refusals come back as words, not as exceptions; only what is a bug is raised.
        """

    async def joined(self, thread: Thread) -> None:
        """Welcome a conversation that the bot was added to, once."""

    async def left(self, thread: Thread) -> None:
        """Stop speaking in a conversation that removed the bot."""
