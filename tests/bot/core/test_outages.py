"""Backends that do not answer, jobs that the platform loses: kept, told once, taken up again."""

from dataclasses import replace

from bot.domain.plan import MOST_SUBMISSIONS
from bot.domain.posts import RunPost
from bot.domain.run import JobSeen, JobState, PipelineState, ProgressSeen, RunStatus
from bot.errors import UnavailableError

SILENCE = UnavailableError("Azure DevOps does not answer; runs go on by themselves.")


async def card(world, run_id):
    (message,) = await world.messages(run_id, "run")
    assert isinstance(message.post, RunPost)
    return message.post.run


def lose(world, name):
    """Let the platform end a run's job."""
    world.jobs.put(name, JobSeen(JobState.FAILED, is_lost=True, busy_s=60.0, fault="Node lost."))


async def test_a_lost_job_is_submitted_again_under_the_next_name(world):
    run = await world.to_training(await world.start())
    lose(world, run.name)
    await world.sweep()
    again = await world.run(run.id)
    assert again.name == f"{run.id}-r2"
    assert again.status is RunStatus.QUEUED
    assert list(world.pipelines.requests) == [run.id, f"{run.id}-r2"]
    assert "resubmitted" in await world.story(run.id)


async def test_a_run_submitted_again_keeps_what_it_has_spent(world):
    run = await world.to_training(await world.start())
    lose(world, run.name)
    await world.sweep(2)
    assert (await world.run(run.id)).spent_s == 60.0
    assert (await card(world, run.id)).attempt == 2


async def test_a_job_that_is_always_lost_fails_in_the_end(world):
    run = await world.to_training(await world.start())
    for _ in range(MOST_SUBMISSIONS + 1):
        lose(world, (await world.run(run.id)).name)
        await world.sweep()
    ended = await world.run(run.id)
    assert ended.status is RunStatus.FAILED
    assert ended.submission == MOST_SUBMISSIONS
    assert len(world.pipelines.requests) == MOST_SUBMISSIONS


async def test_a_cancelled_run_is_not_submitted_again(world):
    run = await world.to_training(await world.start())
    await world.say(f"cancel {run.id}")
    lose(world, run.name)
    await world.sweep()
    assert (await world.run(run.id)).status is RunStatus.CANCELLED
    assert list(world.pipelines.requests) == [run.id]


async def test_training_goes_on_in_sight_while_the_pipelines_are_silent(world):
    run = await world.to_training(await world.start())
    world.pipelines.be_silent(SILENCE)
    world.train(run.id, 20)
    await world.sweep()
    assert (await world.run(run.id)).seen.progress.step == 20


async def test_no_verdict_is_drawn_while_the_jobs_are_silent(world):
    run = await world.start()
    await world.sweep()
    world.pipelines.finish(run.id)  # and its job, submitted meanwhile, cannot be seen
    world.jobs.be_silent(SILENCE)
    await world.sweep(100)
    assert not (await world.run(run.id)).status.is_final
    world.jobs.be_silent(None)
    world.jobs.submit(run.id)
    await world.sweep()
    assert (await world.run(run.id)).status in (RunStatus.WAITING, RunStatus.TRAINING)


async def test_a_silence_of_minutes_is_told_once_and_taken_back(world):
    run = await world.start()
    world.pipelines.fail_next(*[SILENCE] * 200)
    await world.sweep(30)
    assert (await card(world, run.id)).trouble == ""
    await world.sweep(60)
    assert "does not answer" in (await card(world, run.id)).trouble
    world.pipelines.fail_no_more()
    await world.sweep(3)
    assert (await card(world, run.id)).trouble == ""
    assert list(world.pipelines.requests) == [run.id]


async def test_a_result_that_arrives_after_the_job_ended_still_counts(world):
    run = await world.to_training(await world.start())
    world.jobs.finish(run.id, 0, world.clock.now())
    await world.sweep(5)
    assert (await world.run(run.id)).status is RunStatus.EVALUATING
    ended = await world.finish(await world.run(run.id))
    assert ended.status is RunStatus.SUCCEEDED


async def test_a_job_that_ended_well_without_a_result_fails_after_a_minute(world):
    run = await world.to_training(await world.start())
    world.jobs.finish(run.id, 0, world.clock.now())
    world.tracking.seen[run.id] = replace(ProgressSeen(), step=50, total=50)
    await world.sweep(70)
    assert (await world.run(run.id)).status is RunStatus.FAILED


async def test_a_pipeline_that_waits_for_somebody_elsewhere_says_so(world):
    run = await world.start()
    await world.sweep()
    seen = (await world.pipelines.observe([run.id]))[run.id]
    waits = ("Somebody must approve `krsp-training` in Azure DevOps.",)
    world.pipelines.put(run.id, replace(seen, state=PipelineState.RUNNING, waits_for=waits))
    await world.sweep()
    assert "must approve" in (await card(world, run.id)).why_waiting


async def test_a_run_cancelled_while_its_start_is_in_doubt_waits_for_what_may_show_up(world):
    run = await world.start()
    world.pipelines.lose_next(SILENCE)
    await world.sweep()
    world.pipelines.be_silent(SILENCE)
    await world.say(f"cancel {run.id}")
    await world.sweep(5)
    assert not (await world.run(run.id)).status.is_final
    world.pipelines.be_silent(None)
    await world.sweep(2)
    assert (await world.run(run.id)).status is RunStatus.CANCELLED
    assert run.id in world.pipelines.cancelled


async def test_a_run_cancelled_before_anything_was_asked_for_ends_at_once(world):
    run = await world.start()
    await world.say(f"cancel {run.id}")
    await world.sweep()
    assert (await world.run(run.id)).status is RunStatus.CANCELLED
    assert world.pipelines.requests == {}
