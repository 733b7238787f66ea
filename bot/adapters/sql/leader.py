"""Of several replicas one reconciles and sends: the one whose session holds the lock."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from typing_extensions import override

from bot.adapters.sql.dialects import parse_url
from bot.adapters.sql.engines import Password
from bot.adapters.sql.postgresql import LEADER_LOCK
from bot.adapters.sql.sqlite import SQLITE
from bot.adapters.sql.wire import Wire, Wires, wires_of
from bot.errors import BotError

log = logging.getLogger(__name__)

# A lost leader knows within BEAT_S + the wire's 10 s; the server gives the lock away after 25 s
# without a sign of its machine (postgresql.py), or at once when the connection ends.
BEAT_S = 2.0

Duty: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Leader(Protocol):
    """Runs what only one replica may do."""

    @property
    def is_leader(self) -> bool:
        """Return whether this process is the one, as far as it knows."""

    async def run(self, duty: Duty) -> None:
        """Run `duty` whenever and as long as this process is the leader, until cancelled.

        The duty is cancelled when leadership is lost and begun anew when it comes back. What it
        does at that moment may overlap with the next leader's beginning: the store's versions
        and the outbox's states keep that harmless. Returns or raises when the duty does.
        """


def leader_of(url: str, password: Password | None = None) -> Leader:
    """Return how the store's replicas agree; a file has one process, which the home lock keeps."""
    if parse_url(url).get_backend_name() == SQLITE:
        return SoleLeader()
    return ElectedLeader(wires_of(url, password))


class SoleLeader(Leader):
    """Always leads."""

    @property
    @override
    def is_leader(self) -> bool:
        return True

    @override
    async def run(self, duty: Duty) -> None:
        await duty()


class ElectedLeader(Leader):
    """Leads while its session holds the database's advisory lock; a lost session has lost it."""

    def __init__(self, wires: Wires, beat_s: float = BEAT_S) -> None:
        self._wires, self._beat_s = wires, beat_s
        self._is_leader = False

    @property
    @override
    def is_leader(self) -> bool:
        return self._is_leader

    @override
    async def run(self, duty: Duty) -> None:
        while True:
            if await self._term(duty):
                return
            await asyncio.sleep(self._beat_s)

    async def _term(self, duty: Duty) -> bool:
        """Stand for election, serve if elected; return whether the duty ended by itself."""
        try:
            wire = await self._wires()
        except BotError as error:
            log.warning("cannot stand for leader: %s", error)
            return False
        try:
            if not await self._elected(wire):
                return False
            log.info("this replica leads now")
            self._is_leader = True
            return await self._serve(wire, duty)
        finally:
            self._is_leader = False
            await wire.close()

    async def _elected(self, wire: Wire) -> bool:
        """Wait until the lock is ours; return False when the session ends before."""
        try:
            while True:
                if await wire.try_lock(LEADER_LOCK):
                    return True
                await asyncio.sleep(self._beat_s)
        except BotError as error:
            log.warning("cannot stand for leader: %s", error)
            return False

    async def _serve(self, wire: Wire, duty: Duty) -> bool:
        working = asyncio.create_task(duty())
        watching = asyncio.create_task(self._watch(wire))
        try:
            ended, _ = await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_leader = False
            # The lock is given back only when nothing of the duty goes on.
            for task in (working, watching):
                task.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)
        for task in ended:
            task.result()  # a failed duty is the caller's, a failed watch is a bug
        return working in ended

    async def _watch(self, wire: Wire) -> None:
        """Return when the session is lost."""
        lost = asyncio.Event()
        wire.when_lost(lost.set)
        while not lost.is_set():
            try:
                async with asyncio.timeout(self._beat_s):
                    await lost.wait()
            except TimeoutError:
                await self._look(wire, lost)
        log.warning("this replica leads no more: its connection is lost")

    async def _look(self, wire: Wire, lost: asyncio.Event) -> None:
        try:
            await wire.ping()
        except BotError as error:
            log.warning("the leader's session does not answer: %s", error)
            lost.set()
