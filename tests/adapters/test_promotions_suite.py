"""The contract of PromotionStore, for every store that there is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.memory import MemoryStore
from bot.adapters.sql import SqlStore
from bot.domain.message import Message, MessageState
from bot.domain.posts import TextPost
from bot.domain.promotion import Promotion, PromotionPlan, PromotionStatus
from bot.domain.run import Event, Run
from bot.errors import ConflictError, NotFoundError
from tests.adapters.conftest import ADA, NOW, THREAD

ID = "promo-20261123-aaaaaa"
RUN_ID = "run-20261123-aaaaaa"
PLAN = PromotionPlan(
    machine="Standard_NC4as_T4_v3",
    instances=1,
    instances_in_switch=2,
    hours=24.0,
    price_per_hour=0.6,
    currency="EUR",
    model_sha256="aa",
    order_sha256="bb",
)
Store = MemoryStore | SqlStore


def make(promotion_id: str = ID, age_s: float = 0, **changes: Any) -> Promotion:
    promotion = Promotion(
        id=promotion_id,
        run_id=RUN_ID,
        run_name="first-try",
        model="first-try",
        endpoint="chat",
        requester=ADA,
        threads=(THREAD,),
        plan=PLAN,
        order="e30",
        created_at=NOW - timedelta(seconds=age_s),
    )
    return replace(promotion, **changes)


async def test_a_promotion_comes_back_with_its_events_and_messages(
    store: Store,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
    make_message: Callable[..., Message],
) -> None:
    await store.add_run(make_run(), (), ())
    added = await store.promotions.add_promotion(make(), [make_event()], [make_message()])
    assert added == make(version=1)
    assert await store.promotions.promotion(ID) == added
    assert [event.text for event in await store.events(RUN_ID)] == ["It is queued."]
    assert await store.message("card") == make_message()


async def test_a_promotion_added_twice_is_the_first_and_tells_nothing_twice(
    store: Store, make_message: Callable[..., Message]
) -> None:
    first = await store.promotions.add_promotion(make(), (), [make_message("a")])
    second = make(status=PromotionStatus.FAILED)
    assert await store.promotions.add_promotion(second, (), [make_message("b")]) == first
    assert await store.message("b") is None


async def test_an_unknown_promotion_is_none_and_cannot_be_saved(store: Store) -> None:
    assert await store.promotions.promotion(ID) is None
    with pytest.raises(NotFoundError, match=ID):
        await store.promotions.save_promotion(make())


async def test_a_stale_save_of_a_promotion_is_refused_and_tells_nothing(
    store: Store,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
    make_message: Callable[..., Message],
) -> None:
    await store.add_run(make_run(), (), ())
    old = await store.promotions.add_promotion(make())
    new = await store.promotions.save_promotion(replace(old, status=PromotionStatus.DEPLOYING))
    assert new.version == old.version + 1
    with pytest.raises(ConflictError, match=ID):
        await store.promotions.save_promotion(old, [make_event()], [make_message()])
    assert await store.promotions.promotion(ID) == new
    assert await store.events(RUN_ID) == []
    assert await store.messages() == []


async def test_events_of_a_run_that_is_not_there_are_refused_whole(
    store: Store, make_event: Callable[..., Event], make_message: Callable[..., Message]
) -> None:
    with pytest.raises(NotFoundError, match=RUN_ID):
        await store.promotions.add_promotion(make(), [make_event()], [make_message()])
    assert await store.promotions.promotion(ID) is None
    assert await store.messages() == []


async def test_of_many_saves_of_a_promotion_at_once_one_wins(store: Store) -> None:
    old = await store.promotions.add_promotion(make())
    saves = (store.promotions.save_promotion(old) for _ in range(6))
    ended = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(result, Promotion) for result in ended) == 1
    assert sum(isinstance(result, ConflictError) for result in ended) == 5


async def test_a_known_message_gets_the_newer_post_with_the_promotion(
    store: Store, make_message: Callable[..., Message]
) -> None:
    shown = make_message(state=MessageState.SENT, activity_id="a-1")
    old = await store.promotions.add_promotion(make(), (), [shown])
    await store.promotions.save_promotion(old, (), [make_message(post=TextPost("It is live."))])
    message = await store.message("card")
    assert message is not None
    assert (message.post, message.is_dirty) == (TextPost("It is live."), True)
    assert (message.state, message.activity_id) == (MessageState.SENT, "a-1")


async def test_promotions_come_newest_first_of_one_run_or_of_all(store: Store) -> None:
    for name, age_s, run_id in (("a", 30, "r1"), ("b", 20, "r2"), ("c", 10, "r1"), ("d", 10, "r2")):
        await store.promotions.add_promotion(make(name, age_s, run_id=run_id))
    assert [p.id for p in await store.promotions.promotions()] == ["d", "c", "b", "a"]
    assert [p.id for p in await store.promotions.promotions("r1")] == ["c", "a"]
    assert [p.id for p in await store.promotions.promotions(limit=2)] == ["d", "c"]


async def test_open_promotions_come_oldest_first_the_live_among_them(store: Store) -> None:
    for at, status in enumerate(PromotionStatus):
        await store.promotions.add_promotion(make(f"p-{status}", age_s=at, status=status))
    found = [promotion.status for promotion in await store.promotions.open_promotions()]
    assert found == [status for status in reversed(PromotionStatus) if not status.is_final]
    assert PromotionStatus.LIVE in found
