"""Orders of a schedule's file that meet each other, or a person's click, in the same moment."""

import asyncio
from collections.abc import Sequence

import pytest
from typing_extensions import override

from bot.adapters.memory.schedules import MemorySchedules
from bot.domain.schedule import Schedule
from tests.bot.conftest import ALEX, POLICY, World
from trainer.contract.order import Order

ORDER = Order(
    kind="schedule",
    key="schedule:20261123T0200Z:runs/nightly.yaml",
    path="runs/nightly.yaml",
    slot="20261123T0200Z",
    owner=ALEX.id,
    recipe="tiny-sft",
    changes={"steps": 50},
    schedule="0 2 * * *",
)


class Slow(MemorySchedules):
    """Lets others go first at every call, as a database does."""

    @override
    async def put_schedule(self, schedule: Schedule) -> Schedule:
        await asyncio.sleep(0)
        return await super().put_schedule(schedule)

    @override
    async def schedule(self, name: str) -> Schedule | None:
        await asyncio.sleep(0)
        return await super().schedule(name)

    @override
    async def schedules(self) -> Sequence[Schedule]:
        await asyncio.sleep(0)
        return await super().schedules()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("bot.adapters.memory.store.MemorySchedules", Slow)
    return World(POLICY.model_copy(update={"start_unattended_below": 5.0}))


async def take(world: World, order: Order = ORDER) -> str | None:
    return (await world.service.orders("http://bot").take(order)).run_id


async def test_a_slot_that_is_told_twice_at_once_is_one_run_and_no_fault(world: World) -> None:
    first, second, third = await asyncio.gather(take(world), take(world), take(world))
    assert first is not None
    assert first == second == third
    assert len(await world.store.unfinished()) == 1


async def test_a_pause_in_the_moment_of_a_slot_stands(world: World) -> None:
    await take(world)
    later = ORDER.model_copy(update={"key": f"{ORDER.key}#2", "slot": "20261124T0200Z"})
    pause = world.service.schedules.pause(ALEX, "nightly", paused=True)
    await asyncio.gather(take(world, later), pause)
    kept = await world.store.schedules.schedule("nightly")
    assert kept is not None
    assert kept.is_paused


async def test_a_schedule_removed_in_the_moment_of_its_slot_stays_away(world: World) -> None:
    await world.say("schedule add hourly hourly tiny-sft steps=50")
    world.clock.advance(3700)
    await asyncio.gather(
        world.service.schedules.keep(), world.service.schedules.remove(ALEX, "hourly")
    )
    assert await world.store.schedules.schedules() == []


async def test_a_note_does_not_undo_what_a_person_changed_meanwhile(world: World) -> None:
    await world.say("schedule add hourly hourly tiny-sft steps=50")
    world.clock.advance(3700)
    pause = world.service.schedules.pause(ALEX, "hourly", paused=True)
    await asyncio.gather(world.service.schedules.keep(), pause)
    kept = await world.store.schedules.schedule("hourly")
    assert kept is not None
    assert kept.is_paused
    assert kept.note.startswith("run-")
