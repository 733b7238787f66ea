"""A bell inside one process: rings wake listeners, each topic at most once in a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from typing_extensions import override

from bot.ports import Bell


class LocalBell(Bell):
    """Rings from the event loop's thread only, never blocks, keeps at most one ring a topic.

    A listener that is slow finds every topic that rang meanwhile, once. Topics in `prompt` are
    heard at once each time: they wake our own loops, not people's pages.
    """

    def __init__(
        self,
        every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        prompt: frozenset[str] = frozenset(),
    ) -> None:
        self._every_s, self._clock, self._prompt = every_s, clock, prompt
        self._listeners: set[_Rings] = set()

    @override
    def ring(self, topic: str) -> None:
        for listener in self._listeners:
            listener.hear(topic)

    def ring_all(self) -> None:
        """Ring every topic that somebody listens to: who knows what was missed."""
        for listener in self._listeners:
            listener.hear_all()

    @override
    def listen(self, topics: Collection[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        every_s = 0.0 if self._prompt.issuperset(topics) else self._every_s
        return self._listen(_Rings(frozenset(topics), every_s, self._clock))

    @asynccontextmanager
    async def _listen(self, rings: "_Rings") -> AsyncIterator[AsyncIterator[str]]:
        self._listeners.add(rings)
        try:
            yield rings
        finally:
            self._listeners.discard(rings)


class _Rings(AsyncIterator[str]):
    """One listener's rings. No generator: a wait that timed out must not end it for good."""

    def __init__(self, topics: frozenset[str], every_s: float, clock: Callable[[], float]) -> None:
        self._topics, self._every_s, self._clock = topics, every_s, clock
        self._rang: dict[str, None] = {}  # a set that keeps the order
        self._told_at: dict[str, float] = {}
        self._heard = asyncio.Event()

    def hear(self, topic: str) -> None:
        if topic in self._topics:
            self._rang[topic] = None
            self._heard.set()

    def hear_all(self) -> None:
        for topic in self._topics:
            self.hear(topic)

    @override
    async def __anext__(self) -> str:
        while True:
            topic, wait_s = self._next()
            if topic is not None:
                return topic
            self._heard.clear()
            try:
                # Not wait_for: in 3.11 it swallows a cancel that comes together with a ring.
                async with asyncio.timeout(wait_s):
                    await self._heard.wait()
            except TimeoutError:
                continue

    def _next(self) -> tuple[str | None, float | None]:
        """Return a topic that is due, or how long until one is (None: until the next ring)."""
        now = self._clock()
        self._told_at = {t: at for t, at in self._told_at.items() if now - at < self._every_s}
        for topic in self._rang:
            if topic not in self._told_at:
                del self._rang[topic]
                self._told_at[topic] = now
                return topic, None
        if not self._rang:
            return None, None
        return None, min(self._told_at[topic] + self._every_s - now for topic in self._rang)
