"""A promotion that another person decides on first."""

from dataclasses import replace

from bot.domain.promotion import PromotionStatus
from bot.domain.run import Source
from tests.bot.conftest import MEGAN
from tests.bot.core.serving import HOUR


async def expensive(serving, who="alex"):
    run = await serving.good_run()
    return await serving.start(f"promote {run.id} machine=gpu-1 hours=20", who)


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


async def test_an_approved_one_starts(world, serving):
    promotion = await expensive(serving)
    key = promotion.wish.approval.key
    reply = await world.click("megan", action="approve", approval=key)
    await world.sweep()
    assert reply.replace.promotion.decided_by == "Megan Bowen"
    assert promotion.id in world.pipelines.requests


async def test_nobody_approves_their_own(world, serving):
    promotion = await expensive(serving, "megan")
    reply = await world.click("megan", action="approve", approval=promotion.wish.approval.key)
    assert "somebody else decides" in reply.notice
    assert (await serving.get(promotion.id)).wish.approval.decision is None


async def test_a_rejection_needs_a_reason_and_is_told(world, serving):
    promotion = await expensive(serving)
    key = promotion.wish.approval.key
    assert "Say why" in (await world.click("megan", action="reject", approval=key)).notice
    await world.click("megan", action="reject", approval=key, reason="too dear")
    promotion = await serving.get(promotion.id)
    assert promotion.status is PromotionStatus.REJECTED
    (alert,) = await world.messages(promotion.run_id, "promotion_alert")
    assert "too dear" in alert.post.promotion.headline


async def test_an_approval_expires(world, serving):
    promotion = await expensive(serving)
    world.clock.advance(24 * HOUR + 1)
    await world.sweep()
    assert (await serving.get(promotion.id)).status is PromotionStatus.EXPIRED


async def test_an_approval_card_counts_only_where_it_was_sent(world, serving):
    promotion = await expensive(serving)
    elsewhere = replace(promotion.threads[0], id="19:elsewhere")
    key = promotion.wish.approval.key
    reply = await world.click("megan", thread=elsewhere, action="approve", approval=key)
    assert "not sent to this conversation" in reply.notice


async def test_approve_without_a_name_means_the_only_question(world, serving):
    promotion = await expensive(serving)
    (post,) = await world.say("approve", "megan")
    assert promotion.id in post.text


async def test_what_was_approved_is_checked_again_before_it_starts(world, serving):
    promotion = await expensive(serving)
    await world.service.promotions.approve(MEGAN, promotion.id, Source.WEB)
    promotion = await serving.get(promotion.id)
    other = await serving.plan("promote last as other machine=gpu-1 hours=20")
    planned = await world.service.promotions.plan(
        promotion.requester,
        await world.run(promotion.run_id),
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
