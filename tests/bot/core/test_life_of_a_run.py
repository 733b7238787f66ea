"""The life of a run through chat, reconciler and store: once each, whatever is repeated or lost."""

import pytest

from bot.domain.message import MessageState
from bot.domain.posts import AlertPost, ApprovalPost, PlanPost, RunPost
from bot.domain.run import JobSeen, JobState, PipelineState, ProgressSeen, RunStatus, Source
from bot.errors import ForbiddenError, InputError, SetupError, UnavailableError
from trainer.contract.failure import Failure, FailureKind

EXPENSIVE = "train tiny-sft steps=800000"


async def test_a_run_goes_from_a_sentence_to_a_result(world):
    run = await world.start()
    assert run.status is RunStatus.QUEUED
    run = await world.to_training(run)
    assert run.status is RunStatus.TRAINING
    run = await world.finish(run)
    assert run.status is RunStatus.SUCCEEDED
    assert list(world.pipelines.requests) == [run.id]


async def test_the_trail_names_each_stage_in_order(world):
    run = await world.to_status(RunStatus.SUCCEEDED)
    events = await world.store.events(run.id)
    states = [e.text for e in events if e.kind == "status"]
    assert states == [
        "It is now preparing.",
        "It is now waiting.",
        "It is now training.",
        "It is now succeeded.",
    ]
    assert events[0].actor.name == "Alex Wilber"


async def test_a_message_delivered_twice_makes_one_plan_and_one_answer(world):
    first = await world.say("train tiny-sft", key="same")
    again = await world.say("train tiny-sft", key="same")
    assert len(first) == 1
    assert again == []


async def test_a_message_whose_answer_was_lost_in_a_crash_makes_the_same_plan(world):
    world.store.fail_next()  # nothing armed: the first delivery is whole
    (first,) = await world.say("train tiny-sft", key="same")
    world.store._claims.clear()  # the crash came before the claim was stored
    world.restart()
    assert await world.say("train tiny-sft", key="same") == []
    assert len(world.store._drafts) == 1
    assert isinstance(first, PlanPost)


async def test_start_clicked_twice_starts_one_run(world):
    plan = await world.plan()
    for _ in range(2):
        await world.click(action="start", draft=plan.draft_id)
    await world.sweep(3)
    assert world.pipelines.requests.keys() == {plan.draft_id}
    assert (await world.story(plan.draft_id)).count("requested") == 1


async def test_only_the_requester_can_start_a_plan(world):
    plan = await world.plan()
    reply = await world.click("megan", action="start", draft=plan.draft_id)
    assert "Alex Wilber's" in reply.notice
    assert await world.store.run(plan.draft_id) is None


async def test_a_pipeline_whose_start_was_not_answered_is_not_started_again(world):
    run = await world.start()
    world.pipelines.lose_next(UnavailableError("The answer was lost."))
    await world.sweep(3)
    assert len(world.pipelines.requests) == 1
    assert (await world.run(run.id)).status is RunStatus.QUEUED


async def test_a_pipeline_that_cannot_be_reached_is_tried_again(world):
    run = await world.start()
    world.pipelines.fail_next(UnavailableError("Nobody answers."))
    await world.sweep()
    assert world.reconciler.troubles[run.id] == "Nobody answers."
    await world.sweep()
    assert list(world.pipelines.requests) == [run.id]
    assert run.id not in world.reconciler.troubles


async def test_a_pipeline_file_that_cannot_be_used_fails_the_run_with_its_reason(world):
    run = await world.start()
    world.pipelines.fail_next(SetupError("train.yml:3: `matrix` is not supported."))
    await world.sweep()
    run = await world.run(run.id)
    assert run.status is RunStatus.FAILED
    assert "train.yml:3" in (await world.service.view(run)).diagnosis.cause


async def test_a_restart_in_every_state_loses_nothing_and_starts_nothing_twice(world):
    run = await world.start()
    world.restart()
    await world.sweep()
    world.pipelines.begin(run.id)
    world.restart()
    await world.sweep()
    world.jobs.submit(run.id)
    world.pipelines.finish(run.id)
    world.restart()
    await world.sweep()
    world.restart()
    world.jobs.begin(run.id)
    run = await world.finish(run)
    assert run.status is RunStatus.SUCCEEDED
    assert len(world.pipelines.calls) == 1
    assert len(await world.messages(run.id, "alert")) == 1


async def test_each_thread_gets_one_card_and_one_alert(world):
    run = await world.to_status(RunStatus.TRAINING)
    for step in range(11, 40):
        world.train(run.id, step)
        await world.sweep()
    await world.finish(run)
    await world.sweep(3)
    assert len(await world.messages(run.id, "run")) == 1
    (alert,) = await world.messages(run.id, "alert")
    assert isinstance(alert.post, AlertPost)
    assert alert.post.mention_id == "id-alex"
    assert "Goal" in alert.post.run.verdict.text


async def test_a_waiting_card_rests_while_only_the_clock_moves(world):
    run = await world.start(EXPENSIVE)
    await world.sweep()
    before = await world.run(run.id)
    world.clock.advance(600)
    await world.sweep(5)
    assert (await world.run(run.id)).version == before.version


async def test_a_card_follows_the_numbers_no_faster_than_its_tempo(world):
    run = await world.to_status(RunStatus.TRAINING)
    (message,) = await world.messages(run.id, "run")
    shown = message.post
    await world.store.save_message(_sent(message, world.clock.now()))
    world.train(run.id, 11)
    await world.sweep()
    assert (await world.messages(run.id, "run"))[0].post == shown
    world.clock.advance(5)
    world.train(run.id, 12)
    await world.sweep()
    (message,) = await world.messages(run.id, "run")
    assert isinstance(message.post, RunPost)
    assert (message.post.run.step, message.is_dirty) == (12, True)


def _sent(message, now):
    return message.__class__(
        **{**vars(message), "state": MessageState.SENT, "sent_at": now, "activity_id": "a1"}
    )


async def test_a_preempted_run_waits_again_and_goes_on(world):
    run = await world.to_status(RunStatus.TRAINING)
    world.jobs.preempt(run.id)
    world.jobs.slots = 0
    await world.sweep()
    run = await world.run(run.id)
    assert (run.status, run.seen.job.attempt) == (RunStatus.WAITING, 2)
    assert "attempt" in await world.story(run.id)


async def test_a_failure_is_told_with_cause_remedy_and_log(world):
    run = await world.to_status(RunStatus.TRAINING)
    world.tracking.seen[run.id] = ProgressSeen(
        step=12,
        total=50,
        failure=Failure(
            kind=FailureKind.DIVERGED, message="The loss became NaN.", remedy="Lower lr.", step=12
        ),
        log_tail=("step 12 loss nan",),
    )
    world.jobs.finish(run.id, 3)
    await world.sweep()
    (alert,) = await world.messages(run.id, "alert")
    found = alert.post.run.diagnosis
    assert (found.cause, found.remedy) == ("The loss became NaN. (at step 12)", "Lower lr.")
    assert found.log_tail == ("step 12 loss nan",)


async def test_a_job_that_ended_well_without_a_result_has_failed(world):
    run = await world.to_status(RunStatus.TRAINING)
    world.jobs.finish(run.id, 0)
    await world.sweep()
    assert (await world.run(run.id)).status is RunStatus.FAILED


async def test_a_pipeline_that_fails_says_which_step(world):
    run = await world.start()
    await world.sweep()
    world.pipelines.finish(run.id, PipelineState.FAILED, fault="data/x.jsonl:3: no `messages`.")
    await world.sweep()
    run = await world.run(run.id)
    assert run.status is RunStatus.FAILED
    assert "data/x.jsonl:3" in (await world.service.view(run)).headline


@pytest.mark.parametrize("stage", ["queued", "preparing", "waiting", "training"])
async def test_cancel_ends_the_run_from_every_state(world, stage):
    run = await world.start()
    if stage != "queued":
        await world.sweep()
        world.pipelines.begin(run.id)
    if stage in ("waiting", "training"):
        world.jobs.submit(run.id)
        world.pipelines.finish(run.id)
        world.jobs.slots = 0
    if stage == "training":
        world.jobs.begin(run.id)
    if stage != "queued":
        await world.sweep()
    await world.say(f"cancel {run.id} wrong data")
    await world.sweep(2)
    run = await world.run(run.id)
    assert run.status is RunStatus.CANCELLED
    assert "wrong data" in (await world.service.view(run)).headline
    assert len(await world.messages(run.id, "alert")) == 1


async def test_a_cancel_that_meets_a_pipeline_submitting_its_job_still_stops_the_job(world):
    run = await world.start()
    await world.sweep()
    world.pipelines.begin(run.id)
    await world.sweep()
    await world.say(f"cancel {run.id}")
    world.jobs.submit(run.id)
    await world.sweep(2)
    assert (await world.run(run.id)).status is RunStatus.CANCELLED
    assert world.jobs.cancelled


async def test_a_run_that_was_faster_than_its_cancel_has_succeeded(world):
    run = await world.to_status(RunStatus.TRAINING)
    await world.service.cancel(run.requester, run.id, "", Source.WEB)
    run = await world.finish(run)
    assert run.status is RunStatus.SUCCEEDED


async def test_a_stranger_cannot_cancel_and_is_told_who_can(world):
    run = await world.start(who="megan")
    (post,) = await world.say(f"cancel {run.id}", "alex")
    assert "Megan Bowen asked for this run; only they or an approver or an admin" in post.text
    assert (await world.run(run.id)).wish.cancel is None


async def test_the_system_stops_a_run_at_its_cost_limit(world):
    run = await world.to_training(await world.start("train tiny-sft budget=0.01"))
    world.jobs.put(run.id, JobSeen(JobState.RUNNING, started_at=world.clock.now(), busy_s=61.0))
    world.clock.advance(61)
    await world.sweep(2)
    run = await world.run(run.id)
    assert run.status is RunStatus.CANCELLED
    assert run.wish.cancel.by is None
    assert "cost limit" in run.wish.cancel.reason


async def test_an_expensive_run_waits_for_another_person(world):
    run = await world.start(EXPENSIVE)
    await world.sweep(3)
    assert (await world.run(run.id)).status is RunStatus.AWAITING_APPROVAL
    assert world.pipelines.calls == []
    (question,) = await world.messages(run.id, "approval")
    assert isinstance(question.post, ApprovalPost)
    assert "EUR" in question.post.run.approval.why


async def test_an_approved_run_starts(world):
    run = await world.start(EXPENSIVE)
    reply = await world.click("megan", action="approve", approval=run.wish.approval.key)
    await world.sweep()
    assert reply.replace.run.decided_by == "Megan Bowen"
    assert list(world.pipelines.requests) == [run.id]


async def test_nobody_approves_their_own_run(world):
    run = await world.start(EXPENSIVE, who="megan")
    assert run.wish.approval is not None
    reply = await world.click("megan", action="approve", approval=run.wish.approval.key)
    assert "somebody else decides" in reply.notice
    assert (await world.run(run.id)).wish.approval.decision is None


async def test_a_researcher_cannot_approve(world):
    run = await world.start(EXPENSIVE, who="megan")
    with pytest.raises(ForbiddenError, match="an approver or an admin can"):
        await world.service.approve((await world.service.people())[0], run.id, Source.WEB)


async def test_a_rejection_needs_a_reason_and_tells_the_requester(world):
    run = await world.start(EXPENSIVE)
    key = run.wish.approval.key
    assert "Say why" in (await world.click("megan", action="reject", approval=key)).notice
    await world.click("megan", action="reject", approval=key, reason="use fewer steps")
    run = await world.run(run.id)
    assert run.status is RunStatus.REJECTED
    (alert,) = await world.messages(run.id, "alert")
    assert "use fewer steps" in alert.post.run.headline


async def test_the_second_of_two_decisions_finds_the_first(world):
    run = await world.start(EXPENSIVE)
    key = run.wish.approval.key
    await world.click("megan", action="approve", approval=key)
    reply = await world.click("nestor", action="reject", approval=key, reason="no")
    assert "Megan Bowen has approved it already" in reply.notice
    assert (await world.run(run.id)).wish.approval.decision.approved


async def test_an_approval_expires(world):
    run = await world.start(EXPENSIVE)
    world.clock.advance(24 * 3600 + 1)
    await world.sweep()
    assert (await world.run(run.id)).status is RunStatus.EXPIRED
    reply = await world.click("megan", action="approve", approval=run.wish.approval.key)
    assert "expired" in reply.notice
    assert world.pipelines.calls == []


async def test_an_approval_card_counts_only_where_it_was_sent(world):
    run = await world.start(EXPENSIVE)
    elsewhere = run.threads[0].__class__(**{**vars(run.threads[0]), "id": "19:elsewhere"})
    reply = await world.click(
        "megan", thread=elsewhere, action="approve", approval=run.wish.approval.key
    )
    assert "not sent to this conversation" in reply.notice


async def test_what_was_approved_is_checked_again_before_it_starts(world):
    run = await world.start(EXPENSIVE)
    await world.click("megan", action="approve", approval=run.wish.approval.key)
    run = await world.run(run.id)
    changed = run.spec.model_copy(update={"name": "another"})
    await world.store.save_run(run.__class__(**{**vars(run), "spec": changed}))
    await world.sweep()
    assert (await world.run(run.id)).status is RunStatus.FAILED
    assert world.pipelines.calls == []


async def test_a_run_above_the_absolute_limit_cannot_even_be_planned(world):
    (post,) = await world.say("train tiny-sft steps=9999999")
    assert "nobody may start one above EUR 100.00" in post.fault


async def test_a_run_in_memory_of_a_dead_store_is_not_half_written(world):
    plan = await world.plan()
    world.store.fail_next(UnavailableError("The store does not answer."))
    with pytest.raises(UnavailableError):
        await world.service.start((await world.service.people())[0], plan.draft_id, Source.WEB)
    assert await world.store.run(plan.draft_id) is None
    assert await world.store.events(plan.draft_id) == []


async def test_a_rerun_plans_the_same_with_changes(world):
    run = await world.start("train tiny-sft lr=2e-4")
    (plan,) = await world.say("rerun last seed=7")
    places = {d.place: d.ours for d in plan.plan.differences}
    assert plan.draft_id != run.id
    assert places == {"optim.lr": 2e-4, "optim.seed": 7}


async def test_a_lora_run_without_a_base_says_what_to_train_first(world):
    with pytest.raises(InputError, match="First: `train tiny-pretrain`"):
        await world.service.draft(
            (await world.service.people())[0],
            recipe="tiny-lora",
            changes={},
            nonce="n",
            thread=None,
        )


async def test_a_job_that_the_system_killed_is_told_with_the_usual_cause(world):
    run = await world.to_status(RunStatus.TRAINING)
    world.jobs.finish(run.id, 137)
    await world.sweep()
    found = (await world.service.view(await world.run(run.id))).diagnosis
    assert "signal 9" in found.cause
    assert "batch" in found.remedy
