"""RunStore on SQLAlchemy: each method is one transaction, in words of ours when it fails."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from bot.adapters.sql import messages as message_rows
from bot.adapters.sql import runs as run_rows
from bot.adapters.sql.dialects import Engines, file_of, open_engines, parse_url
from bot.adapters.sql.faults import in_our_words
from bot.adapters.sql.migration import check_version, place_of
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.run import Draft, Event, Run
from bot.errors import DiskFullError, UnavailableError
from bot.ports import RunPage, RunQuery, RunStore

# A save of a run with its messages adds some 100 kB of write-ahead log: say so well before.
SPACE_NEEDED = 2_000_000


class SqlStore(RunStore):
    """A store in a database; open it with `await SqlStore.open(url)` and close it at the end."""

    def __init__(self, engines: Engines, place: str, space_needed: int = SPACE_NEEDED) -> None:
        self._engines, self._place, self._space_needed = engines, place, space_needed

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open a migrated store. Raises `SetupError` for any other."""
        await check_version(url)
        parsed = parse_url(url)
        return cls(open_engines(parsed), place_of(parsed))

    async def close(self) -> None:
        """Close all connections; the store cannot be used any more."""
        await self._engines.close()

    @override
    async def add_draft(self, draft: Draft) -> Draft:
        async with self._write() as connection:
            return await run_rows.add_draft(connection, draft)

    @override
    async def draft(self, draft_id: str) -> Draft | None:
        async with self._read() as connection:
            return await run_rows.find_draft(connection, draft_id)

    @override
    async def add_run(self, run: Run, events: Sequence[Event], messages: Sequence[Message]) -> Run:
        async with self._write() as connection:
            if await run_rows.add(connection, run):
                await _tell(connection, events, messages)
            stored = await run_rows.find(connection, run.id)
            return stored or run

    @override
    async def save_run(
        self, run: Run, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Run:
        async with self._write() as connection:
            saved = await run_rows.save(connection, run)
            await _tell(connection, events, messages)
            return saved

    @override
    async def run(self, run_id: str) -> Run | None:
        async with self._read() as connection:
            return await run_rows.find(connection, run_id)

    @override
    async def runs(self, query: RunQuery) -> RunPage:
        async with self._read() as connection:
            return await run_rows.page(connection, query)

    @override
    async def unfinished(self) -> Sequence[Run]:
        async with self._read() as connection:
            return await run_rows.unfinished(connection)

    @override
    async def with_open_messages(self) -> Sequence[str]:
        async with self._read() as connection:
            return await run_rows.with_open_messages(connection)

    @override
    async def events(self, run_id: str, after: int = 0) -> Sequence[Event]:
        async with self._read() as connection:
            return await run_rows.find_events(connection, run_id, after)

    @override
    async def add_event(self, event: Event) -> Event:
        async with self._write() as connection:
            await run_rows.require(connection, event.run_id)
            return await run_rows.append(connection, event)

    @override
    async def add_message(self, message: Message) -> bool:
        async with self._write() as connection:
            return await message_rows.add(connection, message)

    @override
    async def save_message(self, message: Message) -> None:
        async with self._write() as connection:
            await message_rows.save(connection, message)

    @override
    async def put_post(self, key: str, post: Post) -> None:
        async with self._write() as connection:
            await message_rows.put_post(connection, key, post)

    @override
    async def message(self, key: str) -> Message | None:
        async with self._read() as connection:
            return await message_rows.find(connection, key)

    @override
    async def message_shown_as(self, thread_id: str, activity_id: str) -> Message | None:
        async with self._read() as connection:
            return await message_rows.find_shown(connection, thread_id, activity_id)

    @override
    async def messages(
        self, *, run_id: str | None = None, states: Collection[MessageState] = (), limit: int = 500
    ) -> Sequence[Message]:
        async with self._read() as connection:
            return await message_rows.listed(connection, run_id, states, limit)

    @override
    async def dirty_messages(self, limit: int = 500) -> Sequence[Message]:
        async with self._read() as connection:
            return await message_rows.dirty(connection, limit)

    @override
    async def claim(self, key: str, now: datetime) -> bool:
        async with self._write() as connection:
            return await message_rows.claim(connection, key, now)

    @override
    async def has_claim(self, key: str) -> bool:
        async with self._read() as connection:
            return await message_rows.has_claim(connection, key)

    @override
    async def forget_claims(self, before: datetime) -> int:
        async with self._write() as connection:
            return await message_rows.forget_claims(connection, before)

    @override
    async def put_thread(self, thread: Thread, now: datetime) -> bool:
        async with self._write() as connection:
            return await message_rows.put_thread(connection, thread, now)

    @override
    async def thread(self, thread_id: str) -> Thread | None:
        async with self._read() as connection:
            return await message_rows.find_thread(connection, thread_id)

    @override
    async def check(self) -> None:
        folder = file_of(self._engines.writing.url).parent
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        except OSError as error:
            raise UnavailableError(f"The store {self._place} is out of reach ({error}).") from error
        if free < self._space_needed:
            raise DiskFullError(
                f"The disk of the store {self._place} is full ({free // 1000} kB left). "
                "Free some space."
            )
        async with self._write() as connection:
            await connection.execute(text("SELECT count(*) FROM claims WHERE key = ''"))

    def _read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._transaction(self._engines.reading)

    def _write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._transaction(self._engines.writing)

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        with in_our_words(self._place):
            async with engine.begin() as connection:
                yield connection


async def _tell(
    connection: AsyncConnection, events: Sequence[Event], messages: Sequence[Message]
) -> None:
    for event in events:
        await run_rows.append(connection, event)
    for message in messages:
        await message_rows.put(connection, message)
