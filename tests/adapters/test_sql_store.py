"""What only a store in a file can get wrong: full disks, locks, and history rewritten."""

import asyncio
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event as sqlalchemy_event

from bot.adapters.sql import SqlStore
from bot.adapters.sql.database import Database
from bot.adapters.sql.dialects import open_engines, parse_url
from bot.adapters.sql.store import SPACE_NEEDED
from bot.domain.posts import TextPost
from bot.domain.run import RunStatus
from bot.errors import DiskFullError, UnavailableError
from bot.ports import RunQuery
from tests.adapters.test_any_sql_store import kill_while_saving


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def limit_size(store: SqlStore, pages: int) -> None:
    """Let SQLite refuse to grow the file beyond `pages` pages, as a full disk does."""

    @sqlalchemy_event.listens_for(store._database.engines.writing.sync_engine, "connect")
    def on_connect(connection, _record) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")


async def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    sql_store: SqlStore, url: str, make_run, make_event, make_message
) -> None:
    run = await sql_store.add_run(make_run(), (), ())
    full = SqlStore(Database(open_engines(parse_url(url)), "here"))
    limit_size(full, pages=1)
    big = [make_message(str(at), post=TextPost("x" * 10_000)) for at in range(50)]
    with pytest.raises(DiskFullError, match="disk is full"):
        await full.save_run(replace(run, status=RunStatus.PREPARING), [make_event()], big)
    await full.close()
    assert await sql_store.run(run.id) == run
    assert await sql_store.events(run.id) == []
    assert await sql_store.messages() == []


async def test_a_full_store_works_again_when_there_is_room(
    sql_store: SqlStore, url: str, make_run, make_message
) -> None:
    full = SqlStore(Database(open_engines(parse_url(url)), "here"))
    limit_size(full, pages=1)
    big = make_message(post=TextPost("x" * 500_000))
    with pytest.raises(DiskFullError):
        await full.add_message(big)
    await full.close()
    assert await sql_store.add_message(big) is True


# Fills a store whose files may not pass 400 kB, then says how it was refused.
FILLER = """
import asyncio, resource, sys
from bot.adapters.clock import SystemClock
from bot.adapters.sql import SqlStore
from bot.errors import BotError

async def fill(url):
    store = await SqlStore.open(url)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    for at in range(500):
        try:
            await store.claim(str(at) + "." * 5000, SystemClock().now())
        except BotError as error:
            print(at, type(error).__name__)
            break
    await store.close()

asyncio.run(fill(sys.argv[1]))
"""


async def test_a_file_that_may_not_grow_is_a_full_disk_and_loses_nothing(
    sql_store: SqlStore, url: str, repository: Path
) -> None:
    command = [sys.executable, "-c", FILLER, url]
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=repository, capture_output=True, text=True, check=True
    )
    count, refusal = ended.stdout.split()
    assert refusal == "DiskFullError"
    assert await sql_store.has_claim(str(int(count) - 1) + "." * 5000)
    assert not await sql_store.has_claim(count + "." * 5000)


async def test_a_locked_store_is_unavailable_and_reading_goes_on(
    sql_store: SqlStore, url: str, make_run
) -> None:
    await sql_store.add_run(make_run(), (), ())
    async with sql_store._database.engines.writing.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=20")
    holder = sqlite3.connect(file_of(url), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked by another process"):
        await sql_store.check()
    assert len(await sql_store.unfinished()) == 1
    holder.execute("ROLLBACK")
    holder.close()
    await sql_store.check()


async def test_a_disk_with_little_room_fails_the_check(sql_store: SqlStore) -> None:
    stingy = SqlStore(sql_store._database, space_needed=10**18)
    with pytest.raises(DiskFullError, match="kB left"):
        await stingy.check()
    assert SPACE_NEEDED < 10**7


async def test_a_store_is_durable_and_readers_do_not_wait(sql_store: SqlStore) -> None:
    async with sql_store._database.engines.reading.begin() as connection:
        found = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]


async def test_a_file_whose_writer_was_killed_is_intact(
    sql_store: SqlStore, url: str, repository: Path, make_run
) -> None:
    await sql_store.add_run(make_run(), (), ())
    kill_while_saving(url, repository, saves=5)
    with sqlite3.connect(file_of(url)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_the_newest_runs_are_found_by_an_index(sql_store: SqlStore, make_run) -> None:
    for at in range(30):
        await sql_store.add_run(make_run(f"run-{at:04}", age_s=at), (), ())
    async with sql_store._database.engines.reading.begin() as connection:
        plan = await connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT body FROM runs ORDER BY created_at DESC, id DESC LIMIT 50"
        )
        assert "ix_runs_created_at_id" in str(plan.all())
    assert (await sql_store.runs(RunQuery(limit=5))).total == 30
