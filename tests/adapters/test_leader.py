"""One replica leads; when it dies, loses its connection or stops, another one does."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from bot.adapters.sql.leader import ElectedLeader, SoleLeader, leader_of
from bot.adapters.sql.wire import Wire, Wires, wires_of
from bot.errors import SetupError, UnavailableError
from tests.adapters.postgresql_server import PostgresqlServer

PATIENCE_S = 30
BEAT_S = 0.05


class Contender:
    """A replica whose duty notes in a log that they share when it begins and ends."""

    def __init__(self, wires: Wires, log: list[str], name: str) -> None:
        self.leader = ElectedLeader(wires, BEAT_S)
        self.on_duty, self.off_duty = asyncio.Event(), asyncio.Event()
        self.log, self.name = log, name

    async def duty(self) -> None:
        self.log.append(f"{self.name} begins as {self._role()}")
        self.off_duty.clear()
        self.on_duty.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"{self.name} ends as {self._role()}")
            self.on_duty.clear()
            self.off_duty.set()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[asyncio.Task[None]]:
        run = asyncio.create_task(self.leader.run(self.duty))
        try:
            yield run
        finally:
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run

    def _role(self) -> str:
        return "leader" if self.leader.is_leader else "nobody"


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE_S)


async def test_of_two_replicas_one_leads_and_the_other_takes_over_when_it_stops(
    postgresql_url: str,
) -> None:
    log: list[str] = []
    one, other = (Contender(wires_of(postgresql_url), log, name) for name in ("one", "other"))
    async with AsyncExitStack() as stack:
        async with one.standing():
            await soon(one.on_duty)
            await stack.enter_async_context(other.standing())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other.on_duty.wait(), 10 * BEAT_S)
        await soon(other.on_duty)
    assert log == [
        "one begins as leader",
        "one ends as nobody",
        "other begins as leader",
        "other ends as nobody",
    ]


# Leads until it is killed, and says when it begins.
HOLDER = """
import asyncio, sys
from bot.adapters.sql import leader_of

async def duty():
    print("leading", flush=True)
    await asyncio.Event().wait()

asyncio.run(leader_of(sys.argv[1]).run(duty))
"""


async def test_a_killed_leader_is_followed_by_another(
    postgresql_url: str, repository: Path
) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", HOLDER, postgresql_url),
        cwd=repository,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert await asyncio.wait_for(holder.stdout.readline(), PATIENCE_S) == b"leading\n"
    follower = Contender(wires_of(postgresql_url), [], "follower")
    async with follower.standing():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.on_duty.wait(), 10 * BEAT_S)
        holder.kill()
        await soon(follower.on_duty)
    assert await holder.wait() == -signal.SIGKILL


async def test_a_leader_whose_connection_is_broken_off_stops_and_stands_again(
    postgresql_url: str, postgresql: PostgresqlServer
) -> None:
    one = Contender(wires_of(postgresql_url), [], "one")
    async with one.standing():
        await soon(one.on_duty)
        await postgresql.break_off(postgresql_url)
        await soon(one.off_duty)
        await soon(one.on_duty)
    assert one.log[:3] == ["one begins as leader", "one ends as nobody", "one begins as leader"]


class SilentWire(Wire):
    """A session whose network swallows everything once the lock is taken."""

    async def ping(self) -> None:
        raise UnavailableError("The store does not answer (TimeoutError).")


async def test_a_leader_that_hears_nothing_any_more_stops(
    postgresql_url: str, postgresql: PostgresqlServer
) -> None:
    async def silent() -> Wire:
        return SilentWire(await asyncpg.connect(postgresql_url), "here")

    one = Contender(silent, [], "one")
    async with one.standing():
        await soon(one.on_duty)
        await soon(one.off_duty)


async def test_a_server_that_is_away_is_waited_for(postgresql_url: str) -> None:
    refusals = iter([UnavailableError("away"), SetupError("no such user yet")])

    async def connect() -> Wire:
        for refusal in refusals:
            raise refusal
        return await wires_of(postgresql_url)()

    one = Contender(connect, [], "one")
    async with one.standing():
        await soon(one.on_duty)


async def test_a_duty_that_fails_ends_the_replica_s_leadership_with_its_error(
    postgresql_url: str,
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    leader = ElectedLeader(wires_of(postgresql_url), BEAT_S)
    for _ in range(2):  # the lock was given back
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(leader.run(fail), PATIENCE_S)
    assert not leader.is_leader


async def test_two_databases_have_a_leader_each(
    postgresql_url: str, postgresql: PostgresqlServer
) -> None:
    another_url = await postgresql.new_database(is_migrated=False)
    one, other = (Contender(wires_of(url), [], "x") for url in (postgresql_url, another_url))
    async with one.standing(), other.standing():
        await soon(one.on_duty)
        await soon(other.on_duty)
    await postgresql.drop_database(another_url)


async def test_a_store_in_a_file_is_led_by_its_only_process(url: str) -> None:
    leader = leader_of(url)
    done: list[bool] = []

    async def duty() -> None:
        done.append(leader.is_leader)

    await leader.run(duty)
    assert (type(leader), done) == (SoleLeader, [True])
