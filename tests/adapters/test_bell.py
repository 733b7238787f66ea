"""A bell wakes whoever listens, seldom enough, and never forgets a topic for a slow listener."""

import asyncio

import pytest

from bot.adapters.bell import LocalBell


class Ticks:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_ring_wakes_who_waits() -> None:
    bell = LocalBell()
    async with bell.listen(["runs"]) as rings:
        waiting = asyncio.ensure_future(anext(rings))
        await asyncio.sleep(0)
        bell.ring("runs")
        assert await waiting == "runs"


async def test_a_listener_hears_its_topics_only() -> None:
    bell = LocalBell()
    async with bell.listen(["run:a"]) as rings:
        bell.ring("run:b")
        bell.ring("run:a")
        assert await anext(rings) == "run:a"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(rings), 0.01)


async def test_many_rings_of_a_topic_are_one() -> None:
    bell = LocalBell(every_s=1000)
    async with bell.listen(["runs", "run:a"]) as rings:
        for _ in range(10_000):
            bell.ring("runs")
        bell.ring("run:a")
        assert [await anext(rings), await anext(rings)] == ["runs", "run:a"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(rings), 0.01)


async def test_a_topic_that_rang_too_soon_comes_when_its_time_has_come() -> None:
    ticks = Ticks()
    bell = LocalBell(every_s=0.05, clock=ticks)
    async with bell.listen(["runs"]) as rings:
        bell.ring("runs")
        assert await anext(rings) == "runs"
        bell.ring("runs")
        waiting = asyncio.ensure_future(anext(rings))
        await asyncio.sleep(0)
        assert not waiting.done()
        ticks.now += 1
        assert await asyncio.wait_for(waiting, 5) == "runs"


async def test_a_wait_that_was_given_up_does_not_end_the_listening() -> None:
    bell = LocalBell(every_s=0)
    async with bell.listen(["wake"]) as rings:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await anext(rings)
        bell.ring("wake")
        assert await anext(rings) == "wake"


async def test_a_ring_while_nobody_waits_is_kept_and_one_before_listening_is_not() -> None:
    bell = LocalBell()
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


async def test_a_prompt_topic_is_heard_at_once_each_time() -> None:
    bell = LocalBell(every_s=1000, prompt=frozenset({"wake"}))
    async with bell.listen(["wake"]) as rings:
        for _ in range(3):
            bell.ring("wake")
            assert await asyncio.wait_for(anext(rings), 5) == "wake"
