"""A connection of its own, beside the pool: for LISTEN, and for locks that live as long as it."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg

from bot.adapters.sql.dialects import parse_url, place_of
from bot.adapters.sql.engines import Password
from bot.adapters.sql.faults import in_our_words
from bot.adapters.sql.postgresql import connect

STATEMENT_S = 5.0  # everything said here is answered at once, or the connection is dead
CLOSE_S = 2.0

Wires: TypeAlias = Callable[[], Awaitable["Wire"]]


def wires_of(url: str, password: Password | None = None) -> Wires:
    """Return what opens a new wire to the PostgreSQL at `url`."""
    parsed = parse_url(url)
    place = place_of(parsed)

    async def open_wire() -> Wire:
        with in_our_words(place):
            return Wire(await connect(parsed, password, STATEMENT_S), place)

    return open_wire


class Wire:
    """One session. What raises has ended it: open another."""

    def __init__(self, connection: asyncpg.Connection, place: str) -> None:
        self._connection, self._place = connection, place

    async def listen(self, channel: str, hear: Callable[[str], None]) -> None:
        """Call `hear` with what other sessions notify, from now on."""
        own = self._connection.get_server_pid()

        def on_notice(_connection: object, pid: int, _channel: str, payload: object) -> None:
            if pid != own:
                hear(str(payload))

        with in_our_words(self._place):
            await self._connection.add_listener(channel, on_notice)

    async def notify(self, channel: str, payload: str) -> None:
        """Tell who listens; at most 8000 bytes."""
        with in_our_words(self._place):
            await self._connection.execute("SELECT pg_notify($1, $2)", channel, payload)

    async def try_lock(self, lock: tuple[int, int]) -> bool:
        """Take a lock that ends with this session; return False where another session has it."""
        with in_our_words(self._place):
            taken = await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *lock)
        return bool(taken)

    async def ping(self) -> None:
        """Return if the session lives. Raises `UnavailableError` if not."""
        with in_our_words(self._place):
            await self._connection.execute("SELECT 1")

    def when_lost(self, call: Callable[[], None]) -> None:
        """Call back when the session ends, whoever ends it; at once where it has ended."""
        if self.is_lost:
            call()
        else:
            self._connection.add_termination_listener(lambda _: call())

    @property
    def is_lost(self) -> bool:
        return bool(self._connection.is_closed())

    async def close(self) -> None:
        """End the session and all that it holds; never raises."""
        try:
            await self._connection.close(timeout=CLOSE_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()
