"""The time: the machine's, and one that a test moves by hand."""

import asyncio
from datetime import UTC, datetime, timedelta

from typing_extensions import override

from bot.ports import Clock


class SystemClock(Clock):
    """The machine's clock."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock(Clock):
    """A clock that stands still until it is told to move; `slept` lists what was waited for."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        self._now = now
        self.slept: list[float] = []

    @override
    def now(self) -> datetime:
        return self._now

    @override
    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> datetime:
        """Move the time forward and return it."""
        self._now += timedelta(seconds=seconds)
        return self._now
