"""The contract of SweepStore, for every store that there is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.memory import MemoryStore
from bot.adapters.sql import SqlStore
from bot.domain.message import Message, MessageState
from bot.domain.posts import TextPost
from bot.domain.run import Source
from bot.domain.sweep import Sweep, SweepPlan, SweepStatus, TrailLine, Trial
from bot.errors import ConflictError, NotFoundError
from tests.adapters.conftest import ADA, NOW, THREAD
from trainer.contract.sweep import SweepSpec

Store = MemoryStore | SqlStore
ID = "sweep-20261123-aaaaaa"
SPEC = SweepSpec.model_validate(
    {"recipe": "tiny-sft", "vary": {"lr": [1e-3, 2e-3], "batch": {"low": 1, "high": 2}}}
)
PLAN = SweepPlan(0.1, 0.2, 0.3, 60.0, "EUR", "aa", None)


def make(sweep_id: str = ID, age_s: float = 0, **changes: Any) -> Sweep:
    sweep = Sweep(
        id=sweep_id,
        spec=SPEC,
        name="tiny",
        requester=ADA,
        threads=(THREAD,),
        trials=(Trial(1, "run-20261123-aaaaaa", {"lr": 1e-3, "batch": "2"}, "bb"),),
        plan=PLAN,
        created_at=NOW - timedelta(seconds=age_s),
        trail=(TrailLine(NOW, ADA, "Ada asked.", Source.CHAT),),
    )
    return replace(sweep, **changes)


def message(text: str) -> Message:
    return Message("sweep/one", THREAD, TextPost(text), MessageState.PENDING, NOW)


async def test_a_sweep_comes_back_as_it_was_stored(store: Store) -> None:
    added = await store.sweeps.add_sweep(make())
    assert added == make(version=1)
    assert await store.sweeps.sweep(ID) == added
    assert await store.sweeps.sweep("sweep-20261123-bbbbbb") is None


async def test_adding_twice_keeps_the_first(store: Store) -> None:
    await store.sweeps.add_sweep(make())
    assert (await store.sweeps.add_sweep(make(name="other"))).name == "tiny"


async def test_what_a_sweep_tells_is_stored_with_it_and_renewed(store: Store) -> None:
    sweep = await store.sweeps.add_sweep(make())
    sweep = await store.sweeps.save_sweep(sweep, [message("one")])
    await store.sweeps.save_sweep(sweep, [message("two")])
    (told,) = await store.messages()
    assert told.post == TextPost("two")


async def test_a_stale_sweep_is_refused_with_what_it_tells(store: Store) -> None:
    sweep = await store.sweeps.add_sweep(make())
    await store.sweeps.save_sweep(sweep)
    with pytest.raises(ConflictError):
        await store.sweeps.save_sweep(sweep, [message("late")])
    assert await store.messages() == []


async def test_an_unknown_sweep_is_not_saved(store: Store) -> None:
    with pytest.raises(NotFoundError):
        await store.sweeps.save_sweep(make())


async def test_sweeps_are_listed_newest_first_and_open_ones_oldest_first(store: Store) -> None:
    for letter, age, status in (
        ("a", 30, SweepStatus.RUNNING),
        ("b", 10, SweepStatus.AWAITING_APPROVAL),
        ("c", 20, SweepStatus.PLANNED),
        ("d", 40, SweepStatus.SUCCEEDED),
        ("e", 50, SweepStatus.STOPPING),
    ):
        await store.sweeps.add_sweep(make(f"sweep-20261123-aaaaa{letter}", age, status=status))
    listed = [sweep.id[-1] for sweep in await store.sweeps.sweeps()]
    assert listed == ["b", "c", "a", "d", "e"]
    assert [sweep.id[-1] for sweep in await store.sweeps.open_sweeps()] == ["e", "a", "b"]
    assert len(await store.sweeps.sweeps(2)) == 2
