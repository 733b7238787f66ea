"""What may be promoted: the plan, its warnings, and what is refused."""

from dataclasses import replace

import pytest

from bot.domain.run import ProgressSeen, RunStatus, Source
from bot.errors import ConflictError
from bot.service.promotions import Proposal
from tests.bot.conftest import ALEX, RESULT


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


async def test_two_promotions_to_one_endpoint_do_not_overtake_each_other(world, serving):
    await serving.good_run()
    first = await serving.start()
    (post,) = await world.say("promote last as tiny")
    assert first.id in post.text
    assert "is on its way" in post.text


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


async def test_a_model_whose_hash_is_known_is_bound_by_the_order(world, serving):
    run = await world.to_training(await world.start())
    sha256 = "ab" * 32
    world.tracking.seen[run.id] = ProgressSeen(result=replace(RESULT, model_sha256=sha256))
    await world.finish(run, replace(RESULT, model_sha256=sha256))
    post = await serving.plan("promote last")
    assert post.plan.model_sha256 == sha256
    assert not post.plan.warnings


async def test_an_id_that_another_promotion_has_is_refused(world, serving):
    run = await serving.good_run()
    first = await serving.plan("promote last as tiny")
    await serving.press_start(first)
    other = await serving.plan("promote last as other")
    proposal = Proposal(first.promotion_id, other.plan.order_sha256, other.requester_id, {})
    with pytest.raises(ConflictError, match="has this id"):
        await world.service.promotions.start(ALEX, run, proposal, Source.WEB, None)
