"""Decide what becomes of a message: due, sent, to be tried again, lost or unknown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.message import Message, MessageState
from bot.domain.people import ThreadKind
from bot.domain.run import Event, Source
from bot.errors import BotError, DeliveryUnknownError, InputError, ThreadGoneError, ThrottledError

DELIVERY_UNKNOWN = "delivery_unknown"
THREAD_GONE = "thread_gone"
NOT_SENT = "not_sent"

_LONGEST_S = 300.0
_CONSOLE_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Outcome:
    """A message after an attempt, and what the audit trail says of it, if anything."""

    message: Message
    event: Event | None = None


def is_due(message: Message, now: datetime) -> bool:
    """Return whether a message may be sent now."""
    waits = message.not_before is not None and message.not_before > now
    return message.state is MessageState.PENDING and not waits


def by_thread(messages: Iterable[Message]) -> Mapping[str, Sequence[Message]]:
    """Return the messages of each thread in the order in which they were written."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.thread.id, []).append(message)
    return {name: sorted(group, key=lambda m: m.created_at) for name, group in groups.items()}


def sending(message: Message) -> Message:
    """Return the message as it must be stored before it leaves."""
    state = MessageState.SENDING
    return replace(message, state=state, attempts=message.attempts + 1, not_before=None)


def sent(message: Message, activity_id: str, now: datetime) -> Message:
    """Return the message that its thread has."""
    state = MessageState.SENT
    return replace(message, state=state, activity_id=activity_id, sent_at=now, fault=None)


def edited(message: Message, now: datetime) -> Message:
    """Return the message whose newest post its thread shows."""
    return replace(message, edited_at=now, is_dirty=False, fault=None)


def failed(message: Message, error: Exception, now: datetime, jitter: float) -> Outcome:
    """Return the message after an attempt to send it. `jitter` is 0 to 1.

    What nobody foresaw counts as unknown: it may have happened after the message had left.
    """
    if isinstance(error, ThrottledError) and not has_expired(message, now):
        later = again_at(error, message.attempts, now, jitter)
        state = MessageState.PENDING
        return Outcome(replace(message, state=state, not_before=later, fault=str(error)))
    if isinstance(error, ThreadGoneError | ThrottledError):
        return _ended(message, MessageState.DEAD, THREAD_GONE, error, now)
    if isinstance(error, InputError):
        return _ended(message, MessageState.DEAD, NOT_SENT, error, now)
    return _ended(message, MessageState.UNKNOWN, DELIVERY_UNKNOWN, error, now)


def failed_edit(message: Message, error: Exception, now: datetime) -> Outcome:
    """Return the message after an edit failed for good."""
    if isinstance(error, ThreadGoneError):
        return _ended(message, MessageState.DEAD, THREAD_GONE, error, now)
    # Nothing is lost with an edit: the thread keeps the older picture.
    return Outcome(replace(message, is_dirty=False, fault=_words(error)))


def has_expired(message: Message, now: datetime) -> bool:
    """Return whether nobody will hear it any more: a console that was closed a day ago."""
    is_console = message.thread.kind is ThreadKind.CONSOLE
    return is_console and now - (message.sent_at or message.created_at) >= _CONSOLE_KEPT


def interrupted(message: Message, now: datetime) -> Outcome:
    """Return a message that was being sent when the bot ended."""
    error = DeliveryUnknownError("The bot ended while the message was being sent.")
    return _ended(message, MessageState.UNKNOWN, DELIVERY_UNKNOWN, error, now)


def again_at(error: ThrottledError, attempts: int, now: datetime, jitter: float) -> datetime:
    """Return when to try again: when the channel asks, or later after many attempts."""
    return now + timedelta(seconds=max(error.retry_after_s, backoff_s(attempts, jitter)))


def backoff_s(attempts: int, jitter: float) -> float:
    """Return the wait before the next attempt: 1, 2, 4 ... seconds, at most five minutes.

    Half of it is drawn by `jitter`, so that messages held back together do not return together.
    """
    longest = min(_LONGEST_S, 2.0 ** min(max(attempts - 1, 0), 20))
    return longest * (1 + jitter) / 2


def _ended(
    message: Message, state: MessageState, kind: str, error: Exception, now: datetime
) -> Outcome:
    ended = replace(message, state=state, fault=_words(error), is_dirty=False)
    if message.run_id is None:
        return Outcome(ended)
    text = f"{_SAYS[kind].format(what=message.post.kind)} {_words(error)}".strip()
    data = {"message": message.key, "thread": message.thread.id}
    return Outcome(ended, Event(message.run_id, now, None, kind, text, Source.BOT, data))


_SAYS = {
    DELIVERY_UNKNOWN: "It is not known whether the {what} message arrived; it is not sent again.",
    THREAD_GONE: "The conversation takes no more messages, so the {what} message was not said.",
    NOT_SENT: "The {what} message could not be sent.",
}


def _words(error: Exception) -> str:
    """Return our own sentence; a foreign exception's text may quote the message."""
    return str(error) if isinstance(error, BotError) else f"({type(error).__name__})"
