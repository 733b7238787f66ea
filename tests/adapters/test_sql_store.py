"""What only a store on disk can get wrong: full disks, locks, kills, and history rewritten."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event as sqlalchemy_event

from bot.adapters.sql import SqlStore
from bot.adapters.sql.dialects import open_engines, parse_url
from bot.adapters.sql.store import SPACE_NEEDED
from bot.domain.posts import TextPost
from bot.domain.run import RunStatus
from bot.errors import BotError, DiskFullError, InputError, SetupError, UnavailableError
from bot.ports import RunQuery


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def limit_size(store: SqlStore, pages: int) -> None:
    """Let SQLite refuse to grow the file beyond `pages` pages, as a full disk does."""

    @sqlalchemy_event.listens_for(store._engines.writing.sync_engine, "connect")
    def on_connect(connection, _record) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")


async def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    sql_store: SqlStore, url: str, make_run, make_event, make_message
) -> None:
    run = await sql_store.add_run(make_run(), (), ())
    full = SqlStore(open_engines(parse_url(url)), "here")
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
    full = SqlStore(open_engines(parse_url(url)), "here")
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
    async with sql_store._engines.writing.connect() as connection:
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
    stingy = SqlStore(sql_store._engines, "here", space_needed=10**18)
    with pytest.raises(DiskFullError, match="kB left"):
        await stingy.check()
    assert SPACE_NEEDED < 10**7


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET kind = 'forged'", "DELETE FROM events", "DELETE FROM events WHERE seq=1"],
)
async def test_history_cannot_be_rewritten(
    sql_store: SqlStore, url: str, make_run, make_event, statement: str
) -> None:
    await sql_store.add_run(make_run(), [make_event()], ())
    with (
        sqlite3.connect(file_of(url)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    connection.close()
    assert len(await sql_store.events(make_run().id)) == 1


async def test_an_event_needs_its_run_also_in_the_database(sql_store: SqlStore) -> None:
    with pytest.raises(BotError, match="FOREIGN KEY"):
        async with sql_store._write() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO events (run_id, at, kind, body) VALUES ('x', '2026-01-01', 'k', '{}')"
            )


async def test_a_store_is_durable_and_readers_do_not_wait(sql_store: SqlStore) -> None:
    async with sql_store._read() as connection:
        found = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]


async def test_text_that_is_no_unicode_is_refused_in_words(
    sql_store: SqlStore, make_draft, now
) -> None:
    with pytest.raises(InputError, match="unusual characters"):
        await sql_store.add_draft(make_draft(changes={"name": "\ud800"}))
    with pytest.raises(InputError, match="unusual characters"):
        await sql_store.claim("activity-\ud800", now)


async def test_a_run_that_this_version_cannot_read_is_named(
    sql_store: SqlStore, url: str, make_run
) -> None:
    await sql_store.add_run(make_run(), (), ())
    with sqlite3.connect(file_of(url)) as connection:
        connection.execute("UPDATE runs SET body = '{\"id\": 1}'")
    connection.close()
    with pytest.raises(
        SetupError, match=r"a run run-20261123-aaaaaa that this version cannot read \(id: "
    ):
        await sql_store.unfinished()


async def test_a_cancelled_save_leaves_the_store_usable(sql_store: SqlStore, make_run) -> None:
    run = await sql_store.add_run(make_run(), (), ())
    for _ in range(20):
        saving = asyncio.create_task(sql_store.save_run(replace(run, status=RunStatus.PREPARING)))
        await asyncio.sleep(0)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
    latest = await sql_store.run(run.id)
    assert latest is not None
    saved = await sql_store.save_run(latest)
    assert saved.version == latest.version + 1


# Saves run after run, each with its status told three times: in the run, an event and a message.
WRITER = """
import asyncio, sys
from dataclasses import replace
from bot.adapters.sql import SqlStore
from bot.domain.message import Message, MessageState
from bot.domain.posts import TextPost
from bot.domain.run import Event, Source
from bot.adapters.clock import SystemClock

async def write(url):
    store = await SqlStore.open(url)
    run, = await store.unfinished()
    while True:
        at = SystemClock().now()
        number = run.version + 1
        event = Event(run.id, at, None, "save", str(number), Source.BOT)
        post = TextPost(str(number) + "." * 5000)
        message = Message(f"m{number}", run.threads[0], post, MessageState.PENDING, at, run.id)
        run = await store.save_run(run, [event], [message])
        print(run.version, flush=True)

asyncio.run(write(sys.argv[1]))
"""


def kill_while_saving(url: str, repository: Path, saves: int) -> int:
    """Start a process that saves without end, kill it after `saves`; return the last it told of."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(saves)]
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    return int(rest[-1]) if rest else told[-1]


async def test_a_store_killed_while_saving_holds_whole_saves_only(
    sql_store: SqlStore, url: str, repository: Path, make_run
) -> None:
    run = await sql_store.add_run(make_run(), (), ())
    for saves in (1, 7, 23):
        told = kill_while_saving(url, repository, saves)
        found = await sql_store.run(run.id)
        assert found is not None
        assert found.version in {told, told + 1}  # +1: saved, and killed before it said so
        events = await sql_store.events(run.id)
        messages = await sql_store.messages(run_id=run.id)
        expected = [str(number) for number in range(2, found.version + 1)]
        assert [event.text for event in events] == expected
        assert [message.key for message in messages] == [f"m{number}" for number in expected]
    with sqlite3.connect(file_of(url)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_two_stores_on_one_file_lose_nothing(
    sql_store: SqlStore, url: str, make_run, make_event
) -> None:
    other = await SqlStore.open(url)
    run = await sql_store.add_run(make_run(), (), ())
    adding = [store.add_event(make_event()) for _ in range(25) for store in (sql_store, other)]
    await asyncio.gather(*adding)
    await other.close()
    events = await sql_store.events(run.id)
    assert len({event.seq for event in events}) == 50


async def test_the_newest_runs_are_found_by_an_index(sql_store: SqlStore, make_run) -> None:
    for at in range(30):
        await sql_store.add_run(make_run(f"run-{at:04}", age_s=at), (), ())
    async with sql_store._read() as connection:
        plan = await connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT body FROM runs ORDER BY created_at DESC, id DESC LIMIT 50"
        )
        assert "ix_runs_created_at_id" in str(plan.all())
    assert (await sql_store.runs(RunQuery(limit=5))).total == 30
