"""The outbox as it runs: rung, stopped, and on a store that fails for a while."""

import asyncio

from bot.errors import DiskFullError
from bot.teams.outbox import Outbox
from bot.teams.surroundings import OUTBOX
from tests.bot.teams.outbox_desk import PENDING, SENDING, SENT, UNKNOWN


async def running(desk, until):
    """Run the outbox until `until` is true; fail after five seconds."""
    task = asyncio.create_task(desk.outbox.run())
    try:
        async with asyncio.timeout(5):
            while not until():  # noqa: ASYNC110 - nobody announces the condition
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_bell_wakes_the_outbox(desk):
    desk.outbox = Outbox(desk.around, pause_s=1000)
    task = asyncio.create_task(running(desk, lambda: desk.said() == ["a"]))
    while not desk.bell._listeners:  # noqa: ASYNC110 - the first look is over when it listens
        await asyncio.sleep(0)
    await desk.add("a")
    desk.bell.ring(OUTBOX)
    await task
    assert desk.said() == ["a"]


async def test_the_outbox_looks_by_itself_when_a_ring_was_lost(desk):
    task = asyncio.create_task(running(desk, lambda: desk.said() == ["a"]))
    while not desk.bell._listeners:  # noqa: ASYNC110 - the first look is over when it listens
        await asyncio.sleep(0)
    await desk.add("a")
    await task
    assert desk.said() == ["a"]


async def test_a_stopped_outbox_finishes_the_post_that_is_under_way(desk):
    entered, leave = asyncio.Event(), asyncio.Event()
    send = desk.channel.send

    async def slow(thread, post):
        entered.set()
        await leave.wait()
        return await send(thread, post)

    desk.channel.send = slow
    await desk.add("a")
    await desk.add("b")
    task = asyncio.create_task(desk.outbox.run())
    await entered.wait()
    task.cancel()
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(task, return_exceptions=True)
    assert await desk.state("a") is SENT
    assert await desk.state("b") is PENDING


async def test_a_store_that_fails_for_a_while_does_not_end_the_outbox(desk):
    await desk.add("a", state=SENDING)
    await desk.add("b")
    desk.store.fail_next(DiskFullError("full"))
    await running(desk, lambda: desk.said() == ["b"])
    assert await desk.state("a") is UNKNOWN
