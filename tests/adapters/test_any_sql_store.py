"""What a store in a database can get wrong, whichever the database: kills, cancels, odd text."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.sql import SqlStore
from bot.adapters.sql.runs import lock
from bot.domain.run import Draft, Event, Run, RunStatus
from bot.errors import BotError, InputError, SetupError


async def write(store: SqlStore, statement: str) -> None:
    """Write past the store, through its own connections."""

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(text(statement))

    await store._database.write(work)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET kind = 'forged'", "DELETE FROM events", "DELETE FROM events WHERE seq=1"],
)
async def test_history_cannot_be_rewritten(
    any_sql_store: SqlStore,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
    statement: str,
) -> None:
    await any_sql_store.add_run(make_run(), [make_event()], ())
    with pytest.raises(BotError, match="append-only"):
        await write(any_sql_store, statement)
    assert [event.kind for event in await any_sql_store.events(make_run().id)] == ["state"]


async def test_an_event_needs_its_run_also_in_the_database(any_sql_store: SqlStore) -> None:
    with pytest.raises(BotError, match=r"(?i)foreign key"):
        await write(
            any_sql_store,
            "INSERT INTO events (run_id, at, kind, body) VALUES ('x', '2026-01-01', 'k', '{}')",
        )


async def test_text_that_is_no_unicode_is_refused_in_words(
    any_sql_store: SqlStore, make_draft: Callable[..., Draft], now: datetime
) -> None:
    with pytest.raises(InputError, match="unusual characters"):
        await any_sql_store.add_draft(make_draft(changes={"name": "\ud800"}))
    with pytest.raises(InputError, match="unusual characters"):
        await any_sql_store.claim("activity-\ud800", now)


async def test_a_zero_byte_comes_back_as_it_was_stored(
    any_sql_store: SqlStore, make_draft: Callable[..., Draft]
) -> None:
    draft = make_draft(changes={"name": "a\0b"})
    await any_sql_store.add_draft(draft)
    assert await any_sql_store.draft(draft.id) == draft


async def test_a_run_that_this_version_cannot_read_is_named(
    any_sql_store: SqlStore, make_run: Callable[..., Run]
) -> None:
    await any_sql_store.add_run(make_run(), (), ())
    await write(any_sql_store, "UPDATE runs SET body = '{\"id\"\\: 1}'")
    with pytest.raises(
        SetupError, match=r"a run run-20261123-aaaaaa that this version cannot read \(id: "
    ):
        await any_sql_store.unfinished()


async def test_a_cancelled_save_leaves_the_store_usable(
    any_sql_store: SqlStore, make_run: Callable[..., Run]
) -> None:
    run = await any_sql_store.add_run(make_run(), (), ())
    for _ in range(20):
        changed = replace(run, status=RunStatus.PREPARING)
        saving = asyncio.create_task(any_sql_store.save_run(changed))
        await asyncio.sleep(0)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
    latest = await any_sql_store.run(run.id)
    assert latest is not None
    saved = await any_sql_store.save_run(latest)
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
    any_sql_store: SqlStore, migrated_url: str, repository: Path, make_run: Callable[..., Run]
) -> None:
    run = await any_sql_store.add_run(make_run(), (), ())
    for saves in (1, 7, 23):
        told = kill_while_saving(migrated_url, repository, saves)
        # A server may still be ending what the killed process asked for; it holds the run then.
        await any_sql_store._database.write(lock, run.id)
        found = await any_sql_store.run(run.id)
        assert found is not None
        assert found.version in {told, told + 1}  # +1: saved, and killed before it said so
        events = await any_sql_store.events(run.id)
        messages = await any_sql_store.messages(run_id=run.id)
        expected = [str(number) for number in range(2, found.version + 1)]
        assert [event.text for event in events] == expected
        assert [message.key for message in messages] == [f"m{number}" for number in expected]


async def test_two_stores_on_one_database_lose_nothing(
    any_sql_store: SqlStore,
    migrated_url: str,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
) -> None:
    other = await SqlStore.open(migrated_url)
    run = await any_sql_store.add_run(make_run(), (), ())
    adding = [store.add_event(make_event()) for _ in range(25) for store in (any_sql_store, other)]
    await asyncio.gather(*adding)
    await other.close()
    events = await any_sql_store.events(run.id)
    assert len({event.seq for event in events}) == 50
