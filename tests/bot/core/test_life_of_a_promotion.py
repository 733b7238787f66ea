"""The life of a promotion through chat, loop and store: once each, whatever is repeated or lost."""

from dataclasses import replace

import pytest

from bot.domain.promotion import DeploymentState, PromotionStatus
from bot.domain.run import PipelineSeen, PipelineState, ProgressSeen, RunStatus, Source
from bot.errors import ConflictError, ForbiddenError, SetupError, UnavailableError
from bot.service.promotions import Proposal
from tests.bot.conftest import ALEX, MEGAN, RESULT
from tests.bot.core.serving import DONE, FAILED, RUNNING, Serving

HOUR = 3600


@pytest.fixture
def serving(world) -> Serving:
    return Serving(world)


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


async def test_start_clicked_twice_starts_one(world, serving):
    await serving.good_run()
    post = await serving.plan("promote last as tiny")
    await serving.press_start(post)
    reply = await serving.press_start(post)
    await world.sweep(3)
    assert "started already" in reply.notice
    assert [n for n in world.pipelines.requests if n.startswith("promo-")] == [post.promotion_id]


async def test_what_start_sends_counts_only_as_it_was_shown(world, serving):
    await serving.good_run()
    post = await serving.plan("promote last as tiny hours=1")
    reply = await serving.press_start(post, hours="300")
    assert "not what it was" in reply.notice
    assert await world.store.promotions.promotions() == []


async def test_somebody_elses_plan_cannot_be_started(world, serving):
    await serving.good_run()
    post = await serving.plan("promote last as tiny")
    reply = await serving.press_start(post, "megan")
    assert "somebody else" in reply.notice
    assert await world.store.promotions.promotions() == []


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


async def test_two_promotions_to_one_endpoint_do_not_overtake_each_other(world, serving):
    await serving.good_run()
    first = await serving.start()
    (post,) = await world.say("promote last as tiny")
    assert first.id in post.text
    assert "is on its way" in post.text


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


async def test_an_expensive_one_waits_for_another_person(world, serving):
    await serving.good_run()
    post = await serving.plan("promote last as tiny machine=gpu-1 hours=10")
    assert "EUR 40.00" in post.approval_why
    await serving.press_start(post)
    await world.sweep(2)
    promotion = await serving.get(post.promotion_id)
    assert promotion.status is PromotionStatus.AWAITING_APPROVAL
    assert promotion.id not in world.pipelines.calls
    (asked,) = await world.messages(promotion.run_id, "promotion_approval")
    assert asked.post.may_decide == ("an approver or an admin",)


async def expensive(world, serving, who="alex"):
    await serving.good_run()
    return await serving.start(f"promote {(await newest(world)).id} machine=gpu-1 hours=20", who)


async def newest(world):
    return list(world.store._runs.values())[-1]


async def test_an_approved_one_starts(world, serving):
    promotion = await expensive(world, serving)
    key = promotion.wish.approval.key
    reply = await world.click("megan", action="approve", approval=key)
    await world.sweep()
    assert reply.replace.promotion.decided_by == "Megan Bowen"
    assert promotion.id in world.pipelines.requests


async def test_nobody_approves_their_own(world, serving):
    promotion = await expensive(world, serving, "megan")
    reply = await world.click("megan", action="approve", approval=promotion.wish.approval.key)
    assert "somebody else decides" in reply.notice
    assert (await serving.get(promotion.id)).wish.approval.decision is None


async def test_a_rejection_needs_a_reason_and_is_told(world, serving):
    promotion = await expensive(world, serving)
    key = promotion.wish.approval.key
    assert "Say why" in (await world.click("megan", action="reject", approval=key)).notice
    await world.click("megan", action="reject", approval=key, reason="too dear")
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.REJECTED
    (alert,) = await world.messages(promotion.run_id, "promotion_alert")
    assert "too dear" in alert.post.promotion.headline


async def test_an_approval_expires(world, serving):
    promotion = await expensive(world, serving)
    world.clock.advance(24 * HOUR + 1)
    await world.sweep()
    assert (await serving.get(promotion.id)).status is PromotionStatus.EXPIRED


async def test_an_approval_card_counts_only_where_it_was_sent(world, serving):
    promotion = await expensive(world, serving)
    elsewhere = replace(promotion.threads[0], id="19:elsewhere")
    key = promotion.wish.approval.key
    reply = await world.click("megan", thread=elsewhere, action="approve", approval=key)
    assert "not sent to this conversation" in reply.notice


async def test_approve_without_a_name_means_the_only_question(world, serving):
    promotion = await expensive(world, serving)
    (post,) = await world.say("approve", "megan")
    assert promotion.id in post.text


async def test_what_was_approved_is_checked_again_before_it_starts(world, serving):
    promotion = await expensive(world, serving)
    await world.service.promotions.approve(MEGAN, promotion.id, Source.WEB)
    promotion = await serving.get(promotion.id)
    other = await serving.plan("promote last as other machine=gpu-1 hours=20")
    planned = await world.service.promotions.plan(
        promotion.requester,
        await newest(world),
        {"model": "other", "machine": "gpu-1", "hours": "20"},
        nonce="x",
        thread=None,
    )
    assert other.plan.order_sha256 != promotion.plan.order_sha256
    await world.store.promotions.save_promotion(replace(promotion, order=planned.order))
    await world.sweep()
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.FAILED
    assert promotion.id not in world.pipelines.calls


async def test_a_run_that_did_not_succeed_cannot_be_promoted(world):
    run = await world.to_status(RunStatus.TRAINING)
    (post,) = await world.say(f"promote {run.id}")
    assert "Only a run that succeeded" in post.text


async def test_a_missed_goal_is_a_warning_not_a_wall(world, serving):
    run = await world.to_training(await world.start("train tiny-sft goal=0.5"))
    await world.finish(run, RESULT)
    post = await serving.plan("promote last")
    assert any("Goal missed" in warning for warning in post.plan.warnings)


async def test_everything_wrong_with_a_request_is_said_at_once(world, serving):
    await serving.good_run()
    text = "promote last as Bad!Name endpoint=x machine=moon hours=never instances=0 colour=red"
    (post,) = await world.say(text)
    for words in ("`model`", "`endpoint`", "`machine`", "`hours`", "`instances`", "`colour`"):
        assert words in post.text


async def test_nobody_may_serve_longer_or_dearer_than_the_policy_says(world, serving):
    await serving.good_run()
    (long,) = await world.say("promote last hours=500")
    assert "the most is 336" in long.text
    (dear,) = await world.say("promote last machine=gpu-1 hours=300")
    assert "nobody may ask for more than EUR 100.00" in dear.text


async def test_a_stranger_cannot_undeploy_and_is_told_who_can(world, serving):
    await serving.good_run()
    run = await newest(world)
    promotion = await serving.to_live(await serving.start(f"promote {run.id} as tiny", "megan"))
    (post,) = await world.say("undeploy tiny")
    assert "Megan Bowen asked for this promotion; only they or an approver or an admin" in post.text
    assert (await serving.get(promotion.id)).wish.undeploy is None
    with pytest.raises(ForbiddenError):
        await world.service.promotions.undeploy(ALEX, promotion.id, "", Source.WEB)


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


async def test_a_model_whose_hash_is_known_is_bound_by_the_order(world, serving):
    run = await world.to_training(await world.start())
    sha256 = "ab" * 32
    world.tracking.seen[run.id] = ProgressSeen(result=replace(RESULT, model_sha256=sha256))
    await world.finish(run, replace(RESULT, model_sha256=sha256))
    post = await serving.plan("promote last")
    assert post.plan.model_sha256 == sha256
    assert not post.plan.warnings


async def test_an_id_that_another_promotion_has_is_refused(world, serving):
    await serving.good_run()
    first = await serving.plan("promote last as tiny")
    await serving.press_start(first)
    other = await serving.plan("promote last as other")
    run, proposal = await newest(world), _proposal(other, first.promotion_id)
    with pytest.raises(ConflictError, match="has this id"):
        await world.service.promotions.start(ALEX, run, proposal, Source.WEB, None)


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


def _proposal(post, promotion_id):
    return Proposal(promotion_id, post.plan.order_sha256, post.requester_id, {})
