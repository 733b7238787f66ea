"""A bell between processes: PostgreSQL's NOTIFY carries each topic to the other replicas."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from typing_extensions import override

from bot.adapters.bell.local import LocalBell
from bot.errors import BotError
from bot.ports import Bell

log = logging.getLogger(__name__)

CHANNEL = "krsp_bell"
GATHER_S = 0.02  # NOTIFY takes a lock of the whole server when it commits: seldom, and many at once
HEARTBEAT_S = 10.0  # a connection that died silently is noticed by then
AGAIN_S = 1.0
MOST_BYTES = 7_000  # PostgreSQL's limit is 8000
MOST_WAITING = 1_000  # topics kept while there is no connection


class Wire(Protocol):
    """One connection for notices, e.g. `bot.adapters.sql.Wire`; what raises has ended it."""

    async def listen(self, channel: str, hear: Callable[[str], None]) -> None:
        """Call `hear` with what other connections notify, from now on."""

    async def notify(self, channel: str, payload: str) -> None:
        """Tell who listens."""

    async def ping(self) -> None:
        """Return if the connection lives."""

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call back when the connection ends; at once where it has ended."""

    async def close(self) -> None:
        """End the connection; never raises."""


class PostgresBell(Bell):
    """Rings here at once, and in the other processes while `run()` goes on.

    After a lost connection every listener hears all its topics once: what the others rang in
    between is unknown. `connected` is set while the others are heard.
    """

    def __init__(self, connect: Callable[[], Awaitable[Wire]], local: LocalBell) -> None:
        self._connect, self._local = connect, local
        self._waiting: dict[str, None] = {}  # a set that keeps the order
        self._woken = asyncio.Event()
        self.connected = asyncio.Event()

    @override
    def ring(self, topic: str) -> None:
        self._local.ring(topic)
        if len(self._waiting) < MOST_WAITING:
            self._waiting[topic] = None
            self._woken.set()

    @override
    def listen(self, topics: Collection[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        return self._local.listen(topics)

    async def run(self) -> None:
        """Keep the processes connected until cancelled."""
        while True:
            try:
                await self._serve(await self._connect())
            except BotError as error:
                log.warning("the other replicas do not hear us: %s", error)
            await asyncio.sleep(AGAIN_S)

    async def _serve(self, wire: Wire) -> None:
        try:
            await wire.listen(CHANNEL, self._hear)
            self.connected.set()
            wire.when_lost(self._lose)
            self._local.ring_all()
            while self.connected.is_set():
                await self._send(wire)
        finally:
            self.connected.clear()
            await wire.close()

    async def _send(self, wire: Wire) -> None:
        """Send what rang, or look whether the connection lives when nothing did for a while."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._woken.wait()
        except TimeoutError:
            await wire.ping()
            return
        await asyncio.sleep(GATHER_S)
        self._woken.clear()
        topics, self._waiting = self._waiting, {}
        try:
            for payload in payloads(topics):
                await wire.notify(CHANNEL, payload)
        except BotError:
            self._waiting = topics | self._waiting
            self._woken.set()
            raise

    def _hear(self, payload: str) -> None:
        for topic in heard(payload):
            self._local.ring(topic)

    def _lose(self) -> None:
        self.connected.clear()
        self._woken.set()


def payloads(topics: Collection[str]) -> Iterator[str]:
    """Yield JSON lists of the topics, each short enough for one NOTIFY; longer topics are left."""
    batch: list[str] = []
    size = 2
    for topic in topics:
        length = len(json.dumps(topic)) + 2
        if length + 2 > MOST_BYTES:
            continue
        if size + length > MOST_BYTES:
            yield json.dumps(batch)
            batch, size = [], 2
        batch.append(topic)
        size += length
    if batch:
        yield json.dumps(batch)


def heard(payload: str) -> list[str]:
    """Return the topics of a notice; none of one that is not ours to read."""
    try:
        topics = json.loads(payload)
    except ValueError:
        return []
    return [topic for topic in topics if isinstance(topic, str)] if isinstance(topics, list) else []
