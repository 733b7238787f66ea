"""Transactions: each whole or not at all, repeated where it only met another one."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from bot.adapters.sql.dialects import open_engines, parse_url, place_of
from bot.adapters.sql.engines import Engines, Password
from bot.adapters.sql.faults import in_our_words, is_collision
from bot.adapters.sql.migration import check_version

P = ParamSpec("P")
T = TypeVar("T")
ATTEMPTS = 5


class Database:
    """A migrated store's connections; `place` says in refusals where it is."""

    def __init__(self, engines: Engines, place: str) -> None:
        self.engines, self.place = engines, place

    @classmethod
    async def open(cls, url: str, password: Password | None = None) -> Self:
        """Open a migrated store. Raises `SetupError` for any other."""
        await check_version(url, password)
        parsed = parse_url(url)
        return cls(open_engines(parsed, password), place_of(parsed))

    async def close(self) -> None:
        """Close all connections."""
        await self.engines.close()

    async def read(
        self,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what `work` reads, all of it of one moment."""
        with in_our_words(self.place):
            async with self.engines.reading.begin() as connection:
                return await work(connection, *args, **kwargs)

    async def write(
        self,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Let `work` write; it runs again where a deadlock undid it, so it must do nothing else."""

        async def once() -> T:
            async with self.engines.writing.begin() as connection:
                return await work(connection, *args, **kwargs)

        with in_our_words(self.place):
            return await _repeated()(once)


def _repeated() -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception(is_collision),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.02, max=0.5),
        reraise=True,
    )
