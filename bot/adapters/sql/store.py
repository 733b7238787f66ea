"""RunStore on SQLAlchemy: each method is one transaction, in words of ours when it fails."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from bot.adapters.sql import messages as message_rows
from bot.adapters.sql import runs as run_rows
from bot.adapters.sql.database import Database
from bot.adapters.sql.engines import Password
from bot.adapters.sql.people import SqlPeople
from bot.adapters.sql.postgresql import check_writable
from bot.adapters.sql.promotions import SqlPromotions
from bot.adapters.sql.schedules import SqlSchedules
from bot.adapters.sql.sqlite import SQLITE, check_room
from bot.adapters.sql.sweeps import SqlSweeps
from bot.adapters.sql.telling import tell
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.run import Draft, Event, Run
from bot.ports import RunPage, RunQuery, RunStore

# A save of a run with its messages adds some 100 kB of write-ahead log: say so well before.
SPACE_NEEDED = 2_000_000


class SqlStore(RunStore):
    """A store in a database; open it with `await SqlStore.open(url)` and close it at the end.

    `people`, `promotions` and `schedules` are the ports of the smaller records, on the same pool.
    """

    def __init__(self, database: Database, space_needed: int = SPACE_NEEDED) -> None:
        self._database, self._space_needed = database, space_needed
        self.people = SqlPeople(database)
        self.promotions = SqlPromotions(database)
        self.sweeps = SqlSweeps(database)
        self.schedules = SqlSchedules(database)

    @classmethod
    async def open(cls, url: str, password: Password | None = None) -> Self:
        """Open a migrated store. Raises `SetupError` for any other.

        `password` is asked for each new connection where the URL has none.
        """
        return cls(await Database.open(url, password))

    async def close(self) -> None:
        """Close all connections; the store cannot be used any more."""
        await self._database.close()

    @override
    async def add_draft(self, draft: Draft) -> Draft:
        return await self._database.write(run_rows.add_draft, draft)

    @override
    async def draft(self, draft_id: str) -> Draft | None:
        return await self._database.read(run_rows.find_draft, draft_id)

    @override
    async def add_run(self, run: Run, events: Sequence[Event], messages: Sequence[Message]) -> Run:
        return await self._database.write(_add_run, run, events, messages)

    @override
    async def save_run(
        self, run: Run, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Run:
        return await self._database.write(_save_run, run, events, messages)

    @override
    async def run(self, run_id: str) -> Run | None:
        return await self._database.read(run_rows.find, run_id)

    @override
    async def runs(self, query: RunQuery) -> RunPage:
        return await self._database.read(run_rows.page, query)

    @override
    async def unfinished(self) -> Sequence[Run]:
        return await self._database.read(run_rows.unfinished)

    @override
    async def with_open_messages(self) -> Sequence[str]:
        return await self._database.read(run_rows.with_open_messages)

    @override
    async def events(self, run_id: str, after: int = 0) -> Sequence[Event]:
        return await self._database.read(run_rows.find_events, run_id, after)

    @override
    async def add_event(self, event: Event) -> Event:
        return await self._database.write(run_rows.add_event, event)

    @override
    async def add_message(self, message: Message) -> bool:
        return await self._database.write(message_rows.add, message)

    @override
    async def save_message(self, message: Message) -> None:
        await self._database.write(message_rows.save, message)

    @override
    async def put_post(self, key: str, post: Post) -> None:
        await self._database.write(message_rows.put_post, key, post)

    @override
    async def message(self, key: str) -> Message | None:
        return await self._database.read(message_rows.find, key)

    @override
    async def message_shown_as(self, thread_id: str, activity_id: str) -> Message | None:
        return await self._database.read(message_rows.find_shown, thread_id, activity_id)

    @override
    async def messages(
        self, *, run_id: str | None = None, states: Collection[MessageState] = (), limit: int = 500
    ) -> Sequence[Message]:
        return await self._database.read(message_rows.listed, run_id, states, limit)

    @override
    async def dirty_messages(self, limit: int = 500) -> Sequence[Message]:
        return await self._database.read(message_rows.dirty, limit)

    @override
    async def claim(self, key: str, now: datetime) -> bool:
        return await self._database.write(message_rows.claim, key, now)

    @override
    async def has_claim(self, key: str) -> bool:
        return await self._database.read(message_rows.has_claim, key)

    @override
    async def forget_claims(self, before: datetime) -> int:
        return await self._database.write(message_rows.forget_claims, before)

    @override
    async def put_thread(self, thread: Thread, now: datetime) -> bool:
        return await self._database.write(message_rows.put_thread, thread, now)

    @override
    async def thread(self, thread_id: str) -> Thread | None:
        return await self._database.read(message_rows.find_thread, thread_id)

    @override
    async def check(self) -> None:
        place, url = self._database.place, self._database.engines.writing.url
        if url.get_backend_name() == SQLITE:
            await check_room(url, place, self._space_needed)
            await self._database.write(_look)
        else:
            await self._database.write(check_writable, place)


async def _add_run(
    connection: AsyncConnection, run: Run, events: Sequence[Event], messages: Sequence[Message]
) -> Run:
    if await run_rows.add(connection, run):
        await tell(connection, events, messages)
    stored = await run_rows.find(connection, run.id)
    return stored or run


async def _save_run(
    connection: AsyncConnection, run: Run, events: Sequence[Event], messages: Sequence[Message]
) -> Run:
    saved = await run_rows.save(connection, run)
    await tell(connection, events, messages)
    return saved


async def _look(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT count(*) FROM claims WHERE key = ''"))
