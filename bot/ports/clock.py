"""The time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the time in UTC, with its zone."""

    async def sleep(self, seconds: float) -> None:
        """Wait; a test's clock returns at once and moves its time forward."""
