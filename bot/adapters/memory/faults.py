"""Failures that a test orders in advance, raised one per call."""

from collections import deque

from bot.errors import BotError


class Faults:
    """A queue of errors; an empty one lets every call through."""

    def __init__(self) -> None:
        self._next: deque[BotError] = deque()

    def add(self, *errors: BotError) -> None:
        """Let the next calls fail, one error each."""
        self._next.extend(errors)

    def strike(self) -> None:
        """Raise the next ordered error, if there is one."""
        if self._next:
            raise self._next.popleft()
