"""What only a store in a server can get wrong: connections, deadlocks, timeouts, its disk."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.sql import SqlStore, migrate
from bot.adapters.sql.database import ATTEMPTS, Database
from bot.adapters.sql.dialects import open_engines, parse_url
from bot.adapters.sql.runs import add_event
from bot.domain.message import Message
from bot.domain.run import Event, Run, RunStatus
from bot.errors import BotError, DiskFullError, InputError, SetupError, UnavailableError
from bot.ports import RunQuery
from tests.adapters.postgresql_server import PASSWORD, USER, PostgresqlServer

PATIENCE_S = 30


def told(error: BaseException) -> str:
    """Return all that a log would show of an error."""
    return "".join(traceback.format_exception(error))


async def refuse_claims(server: PostgresqlServer, url: str, code: str, times: int = 10**6) -> None:
    """Let the server refuse what inserts a claim with an error code, as often as told."""
    await server.execute("CREATE SEQUENCE refusals", url=url)
    await server.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('refusals') <= {times} THEN "
        f"RAISE EXCEPTION 'no, thank you' USING ERRCODE = '{code}'; END IF; "
        "RETURN NEW; END $$",
        url=url,
    )
    await server.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON claims FOR EACH ROW EXECUTE FUNCTION refuse()",
        url=url,
    )


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("53100", DiskFullError, "the server's disk is full"),
        ("53300", UnavailableError, "has no connection left"),
        ("53200", UnavailableError, "lacks resources"),
        ("25006", UnavailableError, "can only be read"),
        ("55P03", UnavailableError, "too busy"),
        ("57014", UnavailableError, "took too long"),
        ("57P01", UnavailableError, "starting or stopping"),
        ("58030", UnavailableError, "cannot be read or written"),
        ("08006", UnavailableError, "broke off the connection"),
        ("42501", SetupError, "Make our user the owner"),
        ("42P01", SetupError, "run `python -m bot migrate`"),
        ("XX000", BotError, r"refused a statement: no, thank you$"),
    ],
)
async def test_what_the_server_refuses_is_said_in_words_and_leaves_nothing(
    postgresql_store: SqlStore,
    postgresql: PostgresqlServer,
    postgresql_url: str,
    now: datetime,
    *,
    code: str,
    kind: type[BotError],
    words: str,
) -> None:
    await refuse_claims(postgresql, postgresql_url, code)
    with pytest.raises(kind, match=words) as refusal:
        await postgresql_store.claim("activity-1", now)
    assert type(refusal.value) is kind
    assert PASSWORD not in told(refusal.value)
    assert not await postgresql_store.has_claim("activity-1")


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_a_transaction_that_met_another_one_is_repeated(
    postgresql_store: SqlStore,
    postgresql: PostgresqlServer,
    postgresql_url: str,
    now: datetime,
    *,
    code: str,
) -> None:
    await refuse_claims(postgresql, postgresql_url, code, times=ATTEMPTS - 1)
    assert await postgresql_store.claim("activity-1", now) is True


async def test_a_transaction_that_meets_others_again_and_again_is_given_up(
    postgresql_store: SqlStore, postgresql: PostgresqlServer, postgresql_url: str, now: datetime
) -> None:
    await refuse_claims(postgresql, postgresql_url, "40P01")
    with pytest.raises(UnavailableError, match="too busy"):
        await postgresql_store.claim("activity-1", now)
    asked = await postgresql.execute("SELECT last_value FROM refusals", url=postgresql_url)
    assert asked == ATTEMPTS


async def test_two_that_wait_for_each_other_both_come_through(
    postgresql_store: SqlStore, make_message: Callable[..., Message]
) -> None:
    """Each locks a message, waits until the other has one too, and wants that one."""
    for key in "ab":
        await postgresql_store.add_message(make_message(key))
    holding = {key: asyncio.Event() for key in "ab"}
    attempts: list[str] = []

    async def work(connection: AsyncConnection, first: str, second: str) -> None:
        attempts.append(first)
        locking = text("SELECT body FROM messages WHERE key = :key FOR UPDATE")
        await connection.execute(locking, {"key": first})
        holding[first].set()
        await holding[second].wait()
        await connection.execute(locking, {"key": second})

    write = postgresql_store._database.write
    await asyncio.wait_for(asyncio.gather(write(work, "a", "b"), write(work, "b", "a")), PATIENCE_S)
    assert len(attempts) == 3


async def test_an_event_is_never_seen_before_one_of_a_lower_number(
    postgresql_store: SqlStore, make_run: Callable[..., Run], make_event: Callable[..., Event]
) -> None:
    run = await postgresql_store.add_run(make_run(), (), ())
    is_numbered, may_end = asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection) -> None:
        await add_event(connection, make_event(kind="slow"))
        is_numbered.set()
        await may_end.wait()

    slowly = asyncio.create_task(postgresql_store._database.write(slow))
    await asyncio.wait_for(is_numbered.wait(), PATIENCE_S)
    adding = asyncio.create_task(postgresql_store.add_event(make_event(kind="quick")))
    saving = asyncio.create_task(
        postgresql_store.save_run(
            replace(run, status=RunStatus.PREPARING), [make_event(kind="saved")]
        )
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(adding), 0.2)
    assert await postgresql_store.events(run.id) == []
    may_end.set()
    await asyncio.wait_for(asyncio.gather(slowly, adding, saving), PATIENCE_S)
    kinds = [event.kind for event in await postgresql_store.events(run.id)]
    assert kinds[0] == "slow"
    assert sorted(kinds) == ["quick", "saved", "slow"]


async def test_a_reader_sees_one_moment(
    postgresql_store: SqlStore, make_run: Callable[..., Run]
) -> None:
    async def count_twice(connection: AsyncConnection) -> list[int | None]:
        counting = text("SELECT count(*) FROM runs")
        first = await connection.scalar(counting)
        await postgresql_store.add_run(make_run("run-2"), (), ())
        return [first, await connection.scalar(counting)]

    await postgresql_store.add_run(make_run("run-1"), (), ())
    assert await postgresql_store._database.read(count_twice) == [1, 1]
    assert (await postgresql_store.runs(RunQuery())).total == 2


async def test_connections_that_were_broken_off_are_replaced_unseen(
    postgresql_store: SqlStore, postgresql: PostgresqlServer, postgresql_url: str, now: datetime
) -> None:
    for number in range(3):
        await postgresql.break_off(postgresql_url)
        assert await postgresql_store.claim(str(number), now) is True
        assert await postgresql_store.has_claim(str(number)) is True


async def test_a_server_that_stops_is_unavailable_and_comes_back(
    postgresql_store: SqlStore, postgresql: PostgresqlServer, now: datetime
) -> None:
    await postgresql_store.claim("before", now)
    await asyncio.to_thread(postgresql.stop)
    try:
        for use in (postgresql_store.check, postgresql_store.unfinished):
            with pytest.raises(UnavailableError, match="does not answer") as refusal:
                await use()
            assert PASSWORD not in told(refusal.value)
    finally:
        await asyncio.to_thread(postgresql.start)
    await postgresql_store.check()
    assert await postgresql_store.has_claim("before")


async def test_a_server_that_only_reads_fails_the_check_and_goes_on_reading(
    postgresql: PostgresqlServer, postgresql_url: str, now: datetime
) -> None:
    name = postgresql_url.rpartition("/")[2]
    await postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store = await SqlStore.open(postgresql_url)
    assert await store.unfinished() == []
    with pytest.raises(UnavailableError, match="can only be read at the moment"):
        await store.check()
    with pytest.raises(UnavailableError, match="can only be read at the moment"):
        await store.claim("activity-1", now)
    await store.close()


async def test_a_statement_that_takes_too_long_is_ended(postgresql_url: str) -> None:
    engines = open_engines(parse_url(postgresql_url), statement_s=0.1)

    async def sleep(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT pg_sleep(60)"))

    hasty = Database(engines, "here")
    with pytest.raises(UnavailableError, match="The store here took too long"):
        await hasty.write(sleep)
    await hasty.close()


async def test_a_place_without_a_server_does_not_answer(
    free_port: Callable[[], int],
) -> None:
    url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{free_port()}/krsp"
    for use in (SqlStore.open, migrate):
        with pytest.raises(
            UnavailableError, match=r"postgresql://krsp@127.* does not answer"
        ) as refusal:
            await use(url)
        assert PASSWORD not in told(refusal.value)


async def test_a_database_that_is_not_there_is_named(postgresql: PostgresqlServer) -> None:
    with pytest.raises(SetupError, match=r'"nowhere" does not exist\). Create the database'):
        await SqlStore.open(postgresql.url("nowhere"))


async def test_a_user_with_no_connection_left_is_told_so(
    postgresql: PostgresqlServer, postgresql_url: str
) -> None:
    async with role(postgresql, "CONNECTION LIMIT 0"):
        url = postgresql_url.replace(f"{USER}:{PASSWORD}", "crowded:one")
        with pytest.raises(UnavailableError, match="has no connection left"):
            await SqlStore.open(url)


async def test_a_user_who_may_not_create_tables_is_told_what_to_grant(
    postgresql: PostgresqlServer,
) -> None:
    made = await postgresql.new_database(is_migrated=False)
    async with role(postgresql):
        url = made.replace(f"{USER}:{PASSWORD}", "crowded:one")
        with pytest.raises(SetupError, match="does not let us do this"):
            await migrate(url)
        await postgresql.drop_database(made)


@asynccontextmanager
async def role(server: PostgresqlServer, options: str = "") -> AsyncIterator[None]:
    """Let there be a user `crowded` with the password `one`."""
    await server.execute(f"CREATE ROLE crowded LOGIN PASSWORD 'one' {options}")
    try:
        yield
    finally:
        await server.execute("DROP OWNED BY crowded")
        await server.execute("DROP ROLE crowded")


async def test_text_that_the_server_cannot_hold_is_refused_in_words(
    postgresql_store: SqlStore, now: datetime
) -> None:
    with pytest.raises(InputError, match="unusual characters"):
        await postgresql_store.claim("activity-\0", now)
    with pytest.raises(InputError, match="longer than can be stored"):
        await postgresql_store.claim("x" * 600, now)


async def test_a_table_of_somebody_else_is_not_ours_to_change(
    postgresql: PostgresqlServer,
) -> None:
    made = await postgresql.new_database(is_migrated=False)
    await postgresql.execute("CREATE FUNCTION events_refuse() RETURNS int RETURN 1", url=made)
    with pytest.raises(SetupError, match="holds tables of something else"):
        await migrate(made)
    await postgresql.drop_database(made)


async def test_a_restored_copy_is_a_store_that_still_refuses_to_forget(
    postgresql_store: SqlStore,
    postgresql: PostgresqlServer,
    postgresql_url: str,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
) -> None:
    run = await postgresql_store.add_run(make_run(), [make_event()], ())
    restored_url = await postgresql.new_database(is_migrated=False)
    await asyncio.to_thread(postgresql.copy, postgresql_url, restored_url)
    restored = await SqlStore.open(restored_url)
    assert await restored.run(run.id) == run
    await restored.add_event(make_event())  # numbers go on where they were
    assert [event.seq for event in await restored.events(run.id)] == [1, 2]
    await restored.close()
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await postgresql.execute("DELETE FROM events", url=restored_url)
    await postgresql.drop_database(restored_url)
