"""The way of a promotion to a live endpoint: once each, whatever is repeated or lost."""

from bot.domain.promotion import DeploymentState, PromotionStatus
from bot.domain.run import PipelineState
from bot.errors import SetupError, UnavailableError
from tests.bot.core.serving import DONE, HOUR, RUNNING


async def test_a_good_run_becomes_a_live_endpoint(world, serving):
    run = await serving.good_run()
    promotion = await serving.start()
    assert promotion.status is PromotionStatus.QUEUED
    promotion = await serving.to_live(promotion)
    assert (promotion.status, promotion.run_id) == (PromotionStatus.LIVE, run.id)
    assert world.pipelines.requests[promotion.id].parameters["action"] == "promote"
    alert = (await world.messages(run.id, "promotion_alert"))[0]
    assert alert.post.promotion.url.endswith("/endpoints/tiny/v1")
    assert alert.post.mention_id == "id-alex"


async def test_the_runs_trail_tells_each_state(world, serving):
    promotion = await serving.to_live((await serving.good_run()) and await serving.start())
    states = [
        event.text.rpartition("is now ")[2]
        for event in await world.store.events(promotion.run_id)
        if event.kind == "promotion_status"
    ]
    assert states == ["registering.", "deploying.", "testing.", "live."]
    requested = [
        e for e in await world.store.events(promotion.run_id) if e.kind == "promotion_requested"
    ]
    assert requested[0].actor.name == "Alex Wilber"


async def test_one_card_and_one_alert_are_told_however_often_it_is_looked(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start())
    await world.sweep(5)
    assert sorted(await serving.kinds(promotion)) == ["promotion", "promotion_alert"]
    before = await serving.get(promotion.id)
    world.clock.advance(HOUR)
    await world.sweep(3)
    assert (await serving.get(promotion.id)).version == before.version


async def test_a_restart_in_every_state_loses_nothing_and_starts_nothing_twice(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    for stages in ({"register": RUNNING}, {"register": DONE, "deploy": RUNNING}):
        world.restart()
        await world.sweep()
        serving.stages(promotion.name, RUNNING, **stages)
    world.restart()
    serving.put(promotion, traffic=100)
    serving.stages(promotion.name, DONE, register=DONE, deploy=DONE)
    await world.sweep()
    world.restart()
    await world.sweep(2)
    assert (await serving.get(promotion.id)).status is PromotionStatus.LIVE
    assert world.pipelines.calls.count(promotion.id) == 1
    assert (await serving.kinds(promotion)).count("promotion_alert") == 1


async def test_a_pipeline_whose_start_was_not_answered_is_not_started_again(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    world.pipelines.lose_next(UnavailableError("The answer was lost."))
    await world.sweep(3)
    assert [name for name in world.pipelines.requests if name.startswith("promo")] == [promotion.id]


async def test_a_failing_smoke_test_rolls_back_and_says_why(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    serving.fail(promotion.name, "deploy", "The smoke test failed: it answered 500.")
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.ROLLED_BACK
    (alert,) = await world.messages(promotion.run_id, "promotion_alert")
    assert "smoke test failed" in alert.post.promotion.headline
    assert "Nothing is served" in alert.post.promotion.headline


async def test_a_model_that_cannot_be_registered_has_failed_before_anything_cost(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    serving.fail(promotion.name, "register", "Version 1 has other files.")
    await world.sweep()
    assert (await serving.get(promotion.id)).status is PromotionStatus.FAILED


async def test_a_pipeline_file_that_cannot_be_used_fails_it_with_its_reason(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    world.pipelines.fail_next(SetupError("promote.yml:3: `matrix` is not supported."))
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.FAILED
    assert "promote.yml:3" in promotion.seen.pipeline.fault


async def test_a_pipeline_that_the_platform_lost_is_started_again_under_a_new_name(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    world.pipelines.finish(promotion.id, PipelineState.LOST)
    serving.put(promotion, traffic=0)
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.name == f"{promotion.id}-r2"
    assert f"{promotion.id}-r2" in world.pipelines.requests
    assert (await serving.to_live(promotion)).status is PromotionStatus.LIVE


async def test_what_a_dead_pipeline_left_behind_is_removed(world, serving):
    await serving.good_run()
    promotion = await serving.start()
    await world.sweep()
    serving.put(promotion, traffic=0)
    serving.fail(promotion.name, "deploy", "The agent was ended.")
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.UNDEPLOYING
    assert world.pipelines.requests[promotion.removal_name].parameters["action"] == "undeploy"
    serving.remove(promotion)
    await world.sweep()
    assert (await serving.get(promotion.id)).status is PromotionStatus.ROLLED_BACK


async def test_a_registry_that_does_not_answer_retires_nothing(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start())
    world.registry.fail_next(UnavailableError("MLflow does not answer."))
    await world.sweep()
    assert world.reconciler.troubles["promotions"] == "MLflow does not answer."
    assert (await serving.get(promotion.id)).status is PromotionStatus.LIVE
    await world.sweep()
    assert "promotions" not in world.reconciler.troubles


async def test_an_endpoint_that_is_unwell_is_shown_on_the_card(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start())
    serving.put(promotion, traffic=100, state=DeploymentState.UNHEALTHY)
    await world.sweep()
    events = [e for e in await world.store.events(promotion.run_id) if e.kind == "deployment"]
    assert "unhealthy" in events[-1].text


async def test_models_lists_what_is_served(world, serving):
    await serving.good_run()
    promotion = await serving.to_live(await serving.start())
    (post,) = await world.say("models")
    assert [each.name for each in post.endpoints] == [promotion.endpoint]
