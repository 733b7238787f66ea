"""The connection pools of a store."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine

# Asked for each new connection: a token of the directory lives for an hour only.
Password: TypeAlias = Callable[[], str | Awaitable[str]]


@dataclass(frozen=True)
class Engines:
    """Where to read and where to write; one and the same pool where the database serves many."""

    reading: AsyncEngine
    writing: AsyncEngine

    async def close(self) -> None:
        """Close all connections."""
        await self.reading.dispose()
        await self.writing.dispose()
