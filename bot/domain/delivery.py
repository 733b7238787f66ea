"""How a stored message changes: people give it newer posts, the outbox says what became of it."""

from dataclasses import replace

from bot.domain.message import Message, MessageState
from bot.domain.posts import Post


def reposted(stored: Message, post: Post) -> Message:
    """Return the message with a newer post; what its thread may already show becomes stale."""
    if post == stored.post:
        return stored
    return replace(stored, post=post, is_dirty=stored.state is not MessageState.PENDING)


def delivered(stored: Message, said: Message) -> Message:
    """Return the stored message with the delivery that `said` tells; the stored post stays.

    `said.post` is what the thread shows where `said` has new times. Where it has none, nothing new
    was shown (an edit that was throttled), and a message that waits to be edited goes on waiting.
    """
    is_newer = stored.post != said.post and said.state is not MessageState.PENDING
    was_shown = (said.sent_at, said.edited_at) != (stored.sent_at, stored.edited_at)
    still_waits = stored.is_dirty and said.is_dirty and not was_shown
    return replace(said, post=stored.post, is_dirty=is_newer or still_waits)
