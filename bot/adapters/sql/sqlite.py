"""SQLite: a file, its pragmas, its one writer, and the room that it has to grow."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.adapters.sql.engines import Engines
from bot.errors import DiskFullError, SetupError, UnavailableError

SQLITE = "sqlite"
BUSY_TIMEOUT_MS = 10_000
READERS = 4


def sqlite_url(parsed: URL) -> URL:
    """Return the URL of a store in a file. Raises `SetupError` for one without a file."""
    if parsed.database in {None, "", ":memory:"}:
        raise SetupError(
            "KRSP_DATABASE_URL names no file, and a store in memory would forget every run. "
            "Write sqlite:////folder/krsp.db"
        )
    return parsed.set(drivername="sqlite+aiosqlite")


def file_of(url: URL) -> Path:
    """Return the file that holds the store."""
    return Path(url.database or "")


def make_folder(url: URL) -> None:
    """Make the folder of the store's file."""
    folder = file_of(url).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"The store's folder {folder} cannot be made ({error.strerror}). "
            "Choose another KRSP_HOME."
        ) from error


def sqlite_engines(url: URL) -> Engines:
    """Return engines for the file; nothing is opened yet.

    SQLite has one writer at a time: a pool of one connection makes the others queue fairly, where
    SQLite itself would let them poll.
    """
    reading = create_async_engine(url, pool_size=READERS, max_overflow=0)
    writing = create_async_engine(url, pool_size=1, max_overflow=0)
    _set_up(reading, begin="BEGIN")
    # A transaction that reads first and writes later would fail at once where another wrote in
    # between, whatever the timeout; so writers take the lock when they begin.
    _set_up(writing, begin="BEGIN IMMEDIATE")
    return Engines(reading, writing)


async def check_room(url: URL, place: str, space_needed: int) -> None:
    """Return if the disk has `space_needed` bytes left. Raises `DiskFullError` if not."""
    try:
        free = (await asyncio.to_thread(shutil.disk_usage, file_of(url).parent)).free
    except OSError as error:
        raise UnavailableError(f"The store {place} is out of reach ({error}).") from error
    if free < space_needed:
        raise DiskFullError(
            f"The disk of the store {place} is full ({free // 1000} kB left). Free some space."
        )


def _set_up(engine: AsyncEngine, begin: str) -> None:
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
