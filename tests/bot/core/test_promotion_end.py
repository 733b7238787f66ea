"""How a promotion ends: cancelled, replaced, undeployed, when its hours are over."""

import pytest

from bot.domain.promotion import PromotionStatus
from bot.domain.run import PipelineSeen, Source
from bot.errors import ForbiddenError
from tests.bot.conftest import ALEX
from tests.bot.core.serving import FAILED, HOUR


async def test_a_newer_promotion_retires_the_older_without_a_gap(world, serving):
    await serving.good_run()
    old = await serving.to_live(await serving.start())
    post = await serving.plan("promote last as tiny hours=2")
    assert (post.plan.replaces, post.plan.instances_in_switch) == (old.id, 2)
    await serving.press_start(post)
    new = await serving.get(post.promotion_id)
    new = await serving.to_live(new, "green")
    serving.remove(old)
    await world.sweep()
    old = await serving.get(old.id)
    assert (old.status, new.status) == (PromotionStatus.RETIRED, PromotionStatus.LIVE)
    assert old.removal_name not in world.pipelines.requests
    headlines = [
        m.post.promotion.headline for m in await world.messages(old.run_id, "promotion_alert")
    ]
    assert f"Replaced by {new.id}." in headlines


async def test_cancel_on_the_way_stops_the_pipeline(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    world.pipelines.begin(promotion.id)
    await world.sweep()
    await world.say(f"cancel {promotion.id} wrong run")
    await world.sweep(2)
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.CANCELLED
    assert world.pipelines.cancelled == [promotion.id]
    (alert,) = await world.messages(promotion.run_id, "promotion_alert")
    assert "wrong run" in alert.post.promotion.headline


async def test_a_switch_that_was_faster_than_its_cancel_is_live_and_says_so(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    world.pipelines.begin(promotion.id)
    await world.say(f"cancel {promotion.id}")
    serving.put(promotion, traffic=100)
    world.pipelines.finish(promotion.id)
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.LIVE
    (alert,) = await world.messages(promotion.run_id, "promotion_alert")
    assert "before it could be stopped" in alert.post.promotion.headline


async def test_a_cancel_right_after_the_start_still_stops_the_pipeline(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    await world.say(f"cancel {promotion.id}")
    assert (await serving.get(promotion.id)).status is PromotionStatus.QUEUED
    await world.sweep(2)
    assert world.pipelines.cancelled == [promotion.id]
    assert (await serving.get(promotion.id)).status is PromotionStatus.CANCELLED


async def test_a_cancel_before_the_start_starts_nothing(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.say(f"cancel {promotion.id}")
    await world.sweep()
    assert (await serving.get(promotion.id)).status is PromotionStatus.CANCELLED
    assert promotion.id not in world.pipelines.calls


async def test_undeploy_ends_what_is_served_and_tells(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start())
    (post,) = await world.say("undeploy tiny not needed")
    assert "being undeployed" in post.text
    await world.sweep()
    assert world.pipelines.requests[promotion.removal_name].parameters["action"] == "undeploy"
    serving.remove(promotion)
    world.pipelines.finish(promotion.removal_name)
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.RETIRED
    alerts = await world.messages(promotion.run_id, "promotion_alert")
    assert [a.post.promotion.status for a in alerts] == ["live", "retired"]


async def test_undeploying_that_fails_is_tried_again_and_then_told(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start())
    await world.say("undeploy tiny")
    for number in (1, 2, 3):
        await world.sweep()
        world.pipelines.put(
            f"{promotion.id}-u{number}", PipelineSeen(FAILED, fault="Azure answered 500.")
        )
    await world.sweep(2)
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.UNDEPLOYING
    alerts = await world.messages(promotion.run_id, "promotion_alert")
    assert "goes on costing" in alerts[-1].post.promotion.headline
    await world.say("undeploy tiny")
    await world.sweep()
    assert f"{promotion.id}-u4" in world.pipelines.requests


async def test_it_ends_by_itself_when_its_hours_are_over(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start("promote last as tiny hours=36"))
    world.clock.advance(11 * HOUR)
    await world.sweep()
    assert "promotion_expiry" not in await serving.kinds(promotion)
    world.clock.advance(2 * HOUR)
    await world.sweep(2)
    assert (await serving.kinds(promotion)).count("promotion_expiry") == 1
    world.clock.advance(24 * HOUR)
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.wish.undeploy.by is None
    assert promotion.removal_name in world.pipelines.requests


async def test_a_stranger_cannot_undeploy_and_is_told_who_can(world, serving):
    run = await serving.good_run()
    promotion = await serving.to_live(await serving.start(f"promote {run.id} as tiny", "megan"))
    (post,) = await world.say("undeploy tiny")
    assert "Megan Bowen asked for this promotion; only they or an approver or an admin" in post.text
    assert (await serving.get(promotion.id)).wish.undeploy is None
    with pytest.raises(ForbiddenError):
        await world.service.promotions.undeploy(ALEX, promotion.id, "", Source.WEB)
