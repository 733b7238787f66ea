"""Which messages rest after the channel asked to wait, in memory."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.message import Message
from bot.domain.people import Thread


@dataclass(frozen=True)
class _Rest:
    until: datetime
    attempts: int
    address: str


class Rests:
    """A rest ends early when the thread gets a new address: a console that was opened again."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}

    def knows(self, message: Message) -> bool:
        """Return whether an attempt failed since this process began."""
        return message.key in self._rests

    def attempts(self, message: Message) -> int:
        """Return how many attempts failed in a row."""
        rest = self._rests.get(message.key)
        return rest.attempts if rest else 0

    def hold(self, message: Message, thread: Thread, now: datetime) -> bool:
        """Return whether the message must wait."""
        rest = self._rests.get(message.key)
        return rest is not None and rest.until > now and rest.address == thread.service_url

    def note(self, message: Message, thread: Thread, until: datetime | None) -> None:
        """Let the message rest until then, or no longer."""
        if until is None:
            self._rests.pop(message.key, None)
            return
        attempts = self.attempts(message) + 1
        self._rests[message.key] = _Rest(until, attempts, thread.service_url)
