"""A ring in one replica is heard in the others, also after the connection was broken off."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from bot.adapters.bell import LocalBell, PostgresBell, postgresql
from bot.adapters.bell.postgresql import MOST_BYTES, heard, payloads
from bot.adapters.sql import Wire, wires_of
from bot.errors import UnavailableError
from tests.adapters.postgresql_server import PostgresqlServer

PATIENCE_S = 30


@asynccontextmanager
async def running(bell: PostgresBell) -> AsyncIterator[PostgresBell]:
    """Run a bell until it is connected, and end it on the way out."""
    run = asyncio.create_task(bell.run())
    try:
        await asyncio.wait_for(bell.connected.wait(), PATIENCE_S)
        yield bell
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run


@pytest.fixture
async def bells(postgresql_url: str) -> AsyncIterator[tuple[PostgresBell, PostgresBell]]:
    connect = wires_of(postgresql_url)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(PostgresBell(connect, LocalBell())))
        other = await stack.enter_async_context(running(PostgresBell(connect, LocalBell())))
        yield one, other


async def test_a_ring_is_heard_here_and_in_the_other_process_once_each(
    bells: tuple[PostgresBell, PostgresBell],
) -> None:
    one, other = bells
    async with one.listen(["run:a"]) as here, other.listen(["run:a", "end"]) as there:
        one.ring("run:a")
        one.ring("end")
        assert await asyncio.wait_for(anext(here), PATIENCE_S) == "run:a"
        assert await asyncio.wait_for(anext(there), PATIENCE_S) == "run:a"
        assert await asyncio.wait_for(anext(there), PATIENCE_S) == "end"


async def test_a_process_does_not_hear_its_own_notices(
    bells: tuple[PostgresBell, PostgresBell],
) -> None:
    one, other = bells
    async with one.listen(["a", "b"]) as here, other.listen(["a"]) as there:
        one.ring("a")
        assert await anext(here) == "a"
        await asyncio.wait_for(anext(there), PATIENCE_S)
        other.ring("b")  # comes after what one could hear of itself
        assert await asyncio.wait_for(anext(here), PATIENCE_S) == "b"


async def test_many_rings_travel_in_few_notices(postgresql_url: str) -> None:
    connect = wires_of(postgresql_url)
    told: list[str] = []
    watcher = await connect()
    await watcher.listen(postgresql.CHANNEL, told.append)
    async with (
        running(PostgresBell(connect, LocalBell())) as one,
        running(PostgresBell(connect, LocalBell())) as other,
        other.listen(["run:499"]) as rings,
    ):
        for number in range(500):
            one.ring(f"run:{number}")
        await asyncio.wait_for(anext(rings), PATIENCE_S)
    await watcher.close()
    assert len(told) <= 3
    assert [topic for payload in told for topic in json.loads(payload)][:2] == ["run:0", "run:1"]


async def test_a_broken_connection_is_made_anew_and_all_topics_ring(
    bells: tuple[PostgresBell, PostgresBell], postgresql: PostgresqlServer, postgresql_url: str
) -> None:
    one, other = bells
    async with other.listen(["run:a"]) as rings:
        await postgresql.break_off(postgresql_url)
        assert await asyncio.wait_for(anext(rings), PATIENCE_S) == "run:a"  # what was missed?
        await asyncio.wait_for(one.connected.wait(), PATIENCE_S)
        one.ring("run:a")
        assert await asyncio.wait_for(anext(rings), PATIENCE_S) == "run:a"


async def test_without_a_server_it_rings_in_this_process_and_forgets_what_is_too_much(
    postgresql_url: str,
) -> None:
    async def refuse() -> Wire:
        raise UnavailableError("The store does not answer.")

    bell = PostgresBell(refuse, LocalBell())
    run = asyncio.create_task(bell.run())
    async with bell.listen(["run:1"]) as rings:
        for number in range(5000):
            bell.ring(f"run:{number}")
        assert await anext(rings) == "run:1"
    assert len(bell._waiting) == postgresql.MOST_WAITING
    assert not bell.connected.is_set()
    run.cancel()


@pytest.mark.parametrize("name", [str, 'ü\n"{}'.format, "x".join])
def test_topics_come_back_from_payloads_that_are_short_enough(name: Callable[[str], str]) -> None:
    topics = dict.fromkeys(f"run:{number}{name(str(number))}" for number in range(2000))
    made = list(payloads(topics))
    assert [topic for payload in made for topic in heard(payload)] == list(topics)
    assert max(len(payload.encode()) for payload in made) <= MOST_BYTES
    assert len(made) < 30


def test_a_topic_too_long_for_a_notice_is_left_out() -> None:
    assert list(payloads(["a", "x" * MOST_BYTES, "b"])) == ['["a", "b"]']
    assert list(payloads([])) == []


@pytest.mark.parametrize("payload", ["", "run:a", "{", "7", '{"a": 1}', "[1, null]"])
def test_a_foreign_notice_rings_nothing(payload: str) -> None:
    assert heard(payload) == []
