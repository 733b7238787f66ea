"""What a thread was told, is being told, or could not be told: the outbox's rows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.promotion import Promotion
from bot.domain.run import Run


class MessageState(StrEnum):
    """Where a message is; see docs/decisions/0005."""

    PENDING = "pending"  # to be sent
    SENDING = "sending"  # committed before the post leaves; found at start-up it becomes UNKNOWN
    SENT = "sent"
    UNKNOWN = "unknown"  # may or may not have arrived; never sent again
    DEAD = "dead"  # the thread will not have it


@dataclass(frozen=True)
class Message:
    """One message to one thread. `key` is unique, so that nothing is told twice.

    `is_dirty` means that `post` is newer than what the thread shows; only SENT ones are edited.
    """

    key: str
    thread: Thread
    post: Post
    state: MessageState
    created_at: datetime
    run_id: str | None = None
    activity_id: str | None = None
    sent_at: datetime | None = None
    edited_at: datetime | None = None
    is_dirty: bool = False
    not_before: datetime | None = None
    attempts: int = 0
    fault: str | None = None


def message_about(
    asked: Run | Promotion, thread: Thread, what: str, post: Post, now: datetime
) -> Message:
    """Return what one thread hears; `what` (`run`, `approval` ...) makes its key unique."""
    return Message(
        key=f"{asked.id}/{what}/{thread.id}",
        thread=thread,
        post=post,
        state=MessageState.PENDING,
        created_at=now,
        run_id=asked.id if isinstance(asked, Run) else asked.run_id,
    )
