"""A bell wakes whoever listens, seldom enough, and never forgets a topic for a slow listener."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from bot.adapters.bell import LocalBell, PostgresBell
from bot.adapters.sql import wires_of
from bot.ports import Bell
from tests.adapters.postgresql_server import PostgresqlServer

MakeBell: TypeAlias = Callable[..., Awaitable[Bell]]


@pytest.fixture(params=["local", "postgresql"])
async def make_bell(request: pytest.FixtureRequest) -> AsyncIterator[MakeBell]:
    """Return what makes a bell with a `LocalBell`'s arguments, of each kind in turn."""
    runs: list[asyncio.Task[None]] = []

    async def make_local(**arguments: Any) -> Bell:
        return LocalBell(**arguments)

    async def make_connected(**arguments: Any) -> Bell:
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        bell = PostgresBell(wires_of(server.url("postgres")), LocalBell(**arguments))
        runs.append(asyncio.create_task(bell.run()))
        await asyncio.wait_for(bell.connected.wait(), 30)
        return bell

    yield make_local if request.param == "local" else make_connected
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)


class Ticks:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_ring_wakes_who_waits(make_bell: MakeBell) -> None:
    bell = await make_bell()
    async with bell.listen(["runs"]) as rings:
        waiting = asyncio.ensure_future(anext(rings))
        await asyncio.sleep(0)
        bell.ring("runs")
        assert await waiting == "runs"


async def test_a_listener_hears_its_topics_only(make_bell: MakeBell) -> None:
    bell = await make_bell()
    async with bell.listen(["run:a"]) as rings:
        bell.ring("run:b")
        bell.ring("run:a")
        assert await anext(rings) == "run:a"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(rings), 0.01)


async def test_many_rings_of_a_topic_are_one(make_bell: MakeBell) -> None:
    bell = await make_bell(every_s=1000)
    async with bell.listen(["runs", "run:a"]) as rings:
        for _ in range(10_000):
            bell.ring("runs")
        bell.ring("run:a")
        assert [await anext(rings), await anext(rings)] == ["runs", "run:a"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(rings), 0.01)


async def test_a_topic_that_rang_too_soon_comes_when_its_time_has_come(make_bell: MakeBell) -> None:
    ticks = Ticks()
    bell = await make_bell(every_s=0.05, clock=ticks)
    async with bell.listen(["runs"]) as rings:
        bell.ring("runs")
        assert await anext(rings) == "runs"
        bell.ring("runs")
        waiting = asyncio.ensure_future(anext(rings))
        await asyncio.sleep(0)
        assert not waiting.done()
        ticks.now += 1
        assert await asyncio.wait_for(waiting, 5) == "runs"


async def test_a_wait_that_was_given_up_does_not_end_the_listening(make_bell: MakeBell) -> None:
    bell = await make_bell(every_s=0)
    async with bell.listen(["wake"]) as rings:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await anext(rings)
        bell.ring("wake")
        assert await anext(rings) == "wake"


async def test_a_cancel_that_comes_together_with_a_ring_is_not_lost(make_bell: MakeBell) -> None:
    bell = await make_bell(every_s=1000)
    async with bell.listen(["runs", "run:a"]) as rings:

        async def hear() -> None:
            while True:
                await anext(rings)

        bell.ring("runs")
        hearing = asyncio.create_task(hear())
        await asyncio.sleep(0)
        bell.ring("runs")  # too soon: waits for its time
        await asyncio.sleep(0)
        bell.ring("run:a")
        hearing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(hearing), 5)


async def test_a_ring_while_nobody_waits_is_kept_and_one_before_listening_is_not(
    make_bell: MakeBell,
) -> None:
    bell = await make_bell()
    bell.ring("runs")
    async with bell.listen(["runs"]) as rings:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(rings), 0.01)
        bell.ring("runs")
        assert await anext(rings) == "runs"


async def test_who_stopped_listening_is_forgotten() -> None:
    bell = LocalBell()
    async with bell.listen(["runs"]):
        assert len(bell._listeners) == 1
    assert bell._listeners == set()
    bell.ring("runs")


async def test_a_prompt_topic_is_heard_at_once_each_time(make_bell: MakeBell) -> None:
    bell = await make_bell(every_s=1000, prompt=frozenset({"wake"}))
    async with bell.listen(["wake"]) as rings:
        for _ in range(3):
            bell.ring("wake")
            assert await asyncio.wait_for(anext(rings), 5) == "wake"


async def test_ringing_all_rings_what_is_listened_to() -> None:
    bell = LocalBell()
    async with bell.listen(["runs"]) as some, bell.listen(["run:a", "run:b"]) as others:
        bell.ring_all()
        assert await anext(some) == "runs"
        assert {await anext(others), await anext(others)} == {"run:a", "run:b"}
