"""The fakes keep their ports' promises, and do what a test tells them."""

import pytest

from bot.adapters.clock import ManualClock, SystemClock
from bot.adapters.memory import MemoryChannel, MemoryJobs, MemoryPipelines, MemoryStore
from bot.domain.ordering import train_parameters
from bot.domain.posts import TextPost
from bot.domain.run import JobState, PipelineState
from bot.errors import DeliveryUnknownError, DiskFullError, ThrottledError, UnavailableError
from bot.ports import PipelineKind, PipelineRequest

RUN = "run-20261123-aaaaaa"


@pytest.fixture
def request_to_start(make_run) -> PipelineRequest:
    parameters = train_parameters(RUN, make_run().spec)
    return PipelineRequest(RUN, PipelineKind.TRAIN, parameters, "ada")


async def test_a_pipeline_started_twice_runs_once(request_to_start) -> None:
    pipelines = MemoryPipelines()
    await pipelines.start(request_to_start)
    pipelines.begin(RUN)
    await pipelines.start(request_to_start)
    assert (await pipelines.observe([RUN, "other"])) == {RUN: (await pipelines.observe([RUN]))[RUN]}
    assert (await pipelines.observe([RUN]))[RUN].state is PipelineState.RUNNING
    assert (list(pipelines.requests), pipelines.calls) == ([RUN], [RUN, RUN])


async def test_an_ordered_failure_comes_once_with_or_without_effect(request_to_start) -> None:
    pipelines = MemoryPipelines()
    pipelines.fail_next(UnavailableError("down"))
    with pytest.raises(UnavailableError):
        await pipelines.start(request_to_start)
    assert await pipelines.observe([RUN]) == {}
    pipelines.lose_next(UnavailableError("down"))
    with pytest.raises(UnavailableError):
        await pipelines.start(request_to_start)
    assert (await pipelines.observe([RUN]))[RUN].state is PipelineState.QUEUED


async def test_cancelling_ends_what_goes_on_and_leaves_the_rest_alone(request_to_start) -> None:
    pipelines = MemoryPipelines()
    await pipelines.cancel("unknown")
    await pipelines.start(request_to_start)
    pipelines.finish(RUN, PipelineState.FAILED, "no disk")
    await pipelines.cancel(RUN)
    seen = (await pipelines.observe([RUN]))[RUN]
    assert (seen.state, seen.fault) == (PipelineState.FAILED, "no disk")


async def test_jobs_begin_in_order_where_there_is_room() -> None:
    jobs = MemoryJobs(slots=1)
    for run_id in ("a", "b", "c"):
        jobs.submit(run_id)
    await jobs.advance()
    await jobs.advance()
    seen = await jobs.observe(["a", "b", "c", "d"])
    assert [seen[run_id].position for run_id in "abcd"] == [None, 1, 2, None]
    assert seen["d"].state is JobState.ABSENT
    jobs.finish("a", exit_code=3)
    await jobs.cancel("b")
    await jobs.advance()
    assert [(await jobs.observe("abc"))[run_id].state for run_id in "abc"] == [
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.RUNNING,
    ]
    assert jobs.starts == ["a", "c"]


async def test_a_preempted_job_waits_for_its_next_attempt() -> None:
    jobs = MemoryJobs()
    jobs.submit("a")
    await jobs.advance()
    jobs.preempt("a")
    seen = (await jobs.observe(["a"]))["a"]
    assert (seen.state, seen.attempt, seen.position) == (JobState.WAITING, 2, 1)


async def test_a_thread_shows_what_was_sent_and_edited(thread) -> None:
    channel = MemoryChannel()
    first = await channel.send(thread, TextPost("one"))
    await channel.send(thread, TextPost("two"))
    await channel.edit(thread, first, TextPost("ONE"))
    assert channel.posts(thread.id) == [TextPost("ONE"), TextPost("two")]
    assert (channel.shown[first].edits, len(channel.sent), len(channel.edited)) == (1, 2, 1)


async def test_a_message_can_be_refused_or_lost_on_its_way_back(thread) -> None:
    channel = MemoryChannel()
    channel.fail_next(ThrottledError("wait", retry_after_s=3))
    with pytest.raises(ThrottledError):
        await channel.send(thread, TextPost("one"))
    assert channel.posts(thread.id) == []
    channel.lose_next(DeliveryUnknownError("who knows"))
    with pytest.raises(DeliveryUnknownError):
        await channel.send(thread, TextPost("one"))
    assert channel.posts(thread.id) == [TextPost("one")]


async def test_a_store_that_fails_wrote_nothing(make_draft, make_run, make_event) -> None:
    store = MemoryStore()
    run = await store.add_run(make_run(), (), ())
    store.fail_next(DiskFullError("full"))
    with pytest.raises(DiskFullError):
        await store.save_run(run, [make_event()])
    assert await store.events(run.id) == []
    assert (await store.save_run(run)).version == run.version + 1


async def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock()
    began = clock.now()
    assert clock.now() == began
    await clock.sleep(90)
    assert (clock.now() - began).total_seconds() == 90
    assert clock.slept == [90]
    assert began.utcoffset() == SystemClock().now().utcoffset()
