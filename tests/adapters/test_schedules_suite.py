"""The contract of ScheduleStore, for every store that there is."""

from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.memory import MemoryStore
from bot.adapters.sql import SqlStore
from bot.domain.schedule import Schedule
from bot.errors import ConflictError
from bot.ports.records import ScheduleStore
from tests.adapters.conftest import ADA, NOW, THREAD


def make(name: str = "nightly", **changes: Any) -> Schedule:
    schedule = Schedule(
        name=name,
        owner=ADA,
        thread=THREAD,
        recipe="tiny-sft",
        cron="0 2 * * *",
        created_at=NOW,
        last_slot=NOW,
        changes={"budget.steps": 50, "lr": 2e-4},
    )
    return replace(schedule, **changes)


@pytest.fixture
def schedules(store: MemoryStore | SqlStore) -> ScheduleStore:
    return store.schedules


async def test_a_schedule_comes_back_as_it_was_put(schedules: ScheduleStore) -> None:
    put = await schedules.put_schedule(make())
    assert put == make(version=1)
    assert await schedules.schedule("nightly") == put
    assert await schedules.schedule("weekly") is None


async def test_a_name_that_is_taken_is_refused(schedules: ScheduleStore) -> None:
    first = await schedules.put_schedule(make())
    with pytest.raises(ConflictError, match="nightly"):
        await schedules.put_schedule(make(recipe="tiny-lora"))
    assert await schedules.schedule("nightly") == first


async def test_a_slot_kept_meanwhile_does_not_undo_a_pause(schedules: ScheduleStore) -> None:
    old = await schedules.put_schedule(make())
    paused = await schedules.put_schedule(replace(old, is_paused=True))
    with pytest.raises(ConflictError, match="nightly"):
        await schedules.put_schedule(replace(old, note="run-1"))
    assert await schedules.schedule("nightly") == paused


async def test_a_removed_schedule_does_not_come_back_by_a_late_change(
    schedules: ScheduleStore,
) -> None:
    old = await schedules.put_schedule(make())
    for _ in range(2):
        await schedules.remove_schedule("nightly")
    with pytest.raises(ConflictError, match="nightly"):
        await schedules.put_schedule(replace(old, note="run-1"))
    assert await schedules.schedules() == []


async def test_schedules_come_by_name(schedules: ScheduleStore) -> None:
    for name in ("c", "a", "b"):
        await schedules.put_schedule(make(name))
    assert [schedule.name for schedule in await schedules.schedules()] == ["a", "b", "c"]
