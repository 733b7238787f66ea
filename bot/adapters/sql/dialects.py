"""All that differs between databases: how they are opened, their pragmas, triggers and upserts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Insert, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import SetupError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
BUSY_TIMEOUT_MS = 10_000
READERS = 4

# DDL by dialect: rows of `events` can be added, never changed or dropped.
APPEND_ONLY: Mapping[str, tuple[str, ...]] = {
    SQLITE: tuple(
        f"CREATE TRIGGER events_refuse_{verb.lower()} BEFORE {verb} ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    POSTGRESQL: (
        "CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$",
        "CREATE TRIGGER events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()",
    ),
}
# What is left of them once the table is dropped.
APPEND_ONLY_REST: Mapping[str, tuple[str, ...]] = {
    SQLITE: (),
    POSTGRESQL: ("DROP FUNCTION events_refuse()",),
}


@dataclass(frozen=True)
class Engines:
    """Where to read and where to write; one and the same where the database serves many writers."""

    reading: AsyncEngine
    writing: AsyncEngine

    async def close(self) -> None:
        """Close all connections."""
        await self.reading.dispose()
        await self.writing.dispose()


def parse_url(url: str) -> URL:
    """Return the database's URL, with the asynchronous driver. Raises `SetupError`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SetupError(
            "KRSP_DATABASE_URL is no database URL. For a file write sqlite:////folder/krsp.db"
        ) from error
    if parsed.get_backend_name() != SQLITE:
        raise SetupError(
            f"KRSP_DATABASE_URL names {parsed.get_backend_name()}, and this version keeps its "
            "store in SQLite only: sqlite:////folder/krsp.db"
        )
    if parsed.database in {None, "", ":memory:"}:
        raise SetupError(
            "KRSP_DATABASE_URL names no file, and a store in memory would forget every run. "
            "Write sqlite:////folder/krsp.db"
        )
    return parsed.set(drivername="sqlite+aiosqlite")


def file_of(url: URL) -> Path:
    """Return the file that holds a SQLite store."""
    return Path(url.database or "")


def open_engines(url: URL) -> Engines:
    """Return engines for the store; nothing is opened yet.

    SQLite has one writer at a time: a pool of one connection makes the others queue fairly, where
    SQLite itself would let them poll.
    """
    reading = create_async_engine(url, pool_size=READERS, max_overflow=0)
    writing = create_async_engine(url, pool_size=1, max_overflow=0)
    _set_up_sqlite(reading, begin="BEGIN")
    # A transaction that reads first and writes later would fail at once where another wrote in
    # between, whatever the timeout; so writers take the lock when they begin.
    _set_up_sqlite(writing, begin="BEGIN IMMEDIATE")
    return Engines(reading, writing)


def insert_new(connection: AsyncConnection, table: Table) -> Insert:
    """Return an INSERT that leaves a row as it is when its key is known already."""
    if connection.dialect.name == SQLITE:
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def _set_up_sqlite(engine: AsyncEngine, begin: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # Python's own BEGIN comes late and never before DDL: we send it ourselves, below.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
        finally:
            cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
