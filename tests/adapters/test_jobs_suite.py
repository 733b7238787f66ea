"""The contract of Jobs, for every adapter of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from bot.adapters.local.jobs import LocalJobs
from bot.adapters.local.supervisor import read_supervisor
from bot.adapters.memory import MemoryJobs
from bot.domain.run import JobSeen, JobState
from bot.ports import Jobs
from tests.adapters.azure.ml_world import MlWorld
from tests.adapters.local.workbench import until
from trainer.contract.job import JobRequest, job_folder

ONE, TWO, THREE = "run-20261123-aaaaaa", "run-20261123-bbbbbb", "run-20261123-cccccc"


class World(Protocol):
    """An adapter, and the hand that moves what it watches."""

    jobs: Jobs

    def submit(self, run_id: str) -> None: ...
    async def finish(self, run_id: str, exit_code: int = 0) -> None: ...
    async def preempt(self, run_id: str) -> None: ...
    async def settled(self, run_id: str) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self.jobs = MemoryJobs()

    def submit(self, run_id: str) -> None:
        self.jobs.submit(run_id)

    async def finish(self, run_id: str, exit_code: int = 0) -> None:
        self.jobs.finish(run_id, exit_code, datetime(2026, 11, 23, tzinfo=UTC))

    async def preempt(self, run_id: str) -> None:
        self.jobs.preempt(run_id)

    async def settled(self, run_id: str) -> None:
        pass


class LocalWorld:
    """Every job waits for a file that says how its attempt ends."""

    SCRIPT = """
        gate="$HOME_OF_TEST/$RUN.$KRSP_ATTEMPT"
        until [ -e "$gate" ]; do sleep 0.02; done
        exit "$(cat "$gate")"
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.jobs = LocalJobs(home, grace_s=1.0)
        self._submitted = 0

    def submit(self, run_id: str) -> None:
        self._submitted += 1
        folder = job_folder(self.home, run_id)
        folder.mkdir(parents=True, exist_ok=True)
        job = JobRequest(
            run_id=run_id,
            command=("bash", "-c", self.SCRIPT),
            cwd=str(folder),
            env={"RUN": run_id, "HOME_OF_TEST": str(self.home)},
            submitted_at=float(self._submitted),
            sku="local-cpu",
            gpus=0,
            spec_sha256="",
            code_sha256="",
        )
        (folder / "job.json").write_text(job.model_dump_json())

    async def finish(self, run_id: str, exit_code: int = 0) -> None:
        attempt = (await look(self, run_id)).attempt
        (self.home / f"{run_id}.{attempt}").write_text(str(exit_code))
        await self.settled(run_id)

    async def preempt(self, run_id: str) -> None:
        await self.finish(run_id, 75)

    async def settled(self, run_id: str) -> None:
        async def is_still() -> bool:
            return (await look(self, run_id)).state is not JobState.RUNNING

        await until(is_still, f"{run_id} to stop")

    async def close(self) -> None:
        """End whatever a test left running."""
        for folder in (self.home / "jobs").glob("*"):
            await self.jobs.cancel(folder.name)
            supervisor = read_supervisor(folder)
            if supervisor is not None:
                await until(lambda s=supervisor: not s.is_alive, f"{folder.name} to leave")


ADAPTERS = ("memory", "local", "azure")
# Whom Azure ML serves first is its own affair.
ORDERED = ("memory", "local")


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    if request.param == "azure":
        made: LocalWorld | MlWorld = MlWorld.on(request.getfixturevalue("azure"), tmp_path)
    else:
        made = LocalWorld(tmp_path)
    yield made
    await made.close()


async def look(world: World, run_id: str) -> JobSeen:
    return (await world.jobs.observe([run_id]))[run_id]


async def states(world: World, *run_ids: str) -> list[str]:
    seen = await world.jobs.observe(run_ids)
    return [str(seen[run_id].state) for run_id in run_ids]


async def test_a_job_that_was_never_submitted_is_absent(world: World) -> None:
    assert await look(world, ONE) == JobSeen(JobState.ABSENT)


async def test_jobs_begin_in_the_order_of_submission(world: World) -> None:
    for run_id in (TWO, ONE, THREE):
        world.submit(run_id)
    seen = await world.jobs.observe([ONE, TWO, THREE])
    assert [seen[run_id].position for run_id in (TWO, ONE, THREE)] == [1, 2, 3]
    await world.jobs.advance()
    assert await states(world, TWO, ONE, THREE) == ["running", "waiting", "waiting"]
    assert [(await look(world, run_id)).position for run_id in (TWO, ONE, THREE)] == [None, 1, 2]


async def test_a_job_waits_until_there_is_room(world: World) -> None:
    world.submit(ONE)
    world.submit(TWO)
    await world.jobs.advance()
    await world.jobs.advance()
    assert await states(world, ONE, TWO) == ["running", "waiting"]
    await world.finish(ONE)
    await world.jobs.advance()
    assert await states(world, ONE, TWO) == ["succeeded", "running"]


async def test_an_exit_code_other_than_zero_is_a_failure(world: World) -> None:
    world.submit(ONE)
    await world.jobs.advance()
    await world.finish(ONE, 3)
    seen = await look(world, ONE)
    assert (seen.state, seen.exit_code, seen.attempt) == (JobState.FAILED, 3, 1)
    assert seen.ended_at is not None


async def test_a_preempted_job_waits_again_as_the_next_attempt(world: World) -> None:
    world.submit(ONE)
    await world.jobs.advance()
    await world.preempt(ONE)
    seen = await look(world, ONE)
    assert (seen.state, seen.attempt, seen.position) == (JobState.WAITING, 2, 1)
    await world.jobs.advance()
    await world.finish(ONE)
    seen = await look(world, ONE)
    assert (seen.state, seen.attempt) == (JobState.SUCCEEDED, 2)


@pytest.mark.parametrize("world", ORDERED, indirect=True)
async def test_a_preempted_job_keeps_its_place_before_later_ones(world: World) -> None:
    world.submit(ONE)
    world.submit(TWO)
    await world.jobs.advance()
    await world.preempt(ONE)
    await world.jobs.advance()
    assert await states(world, ONE, TWO) == ["running", "waiting"]


async def test_a_waiting_job_that_is_cancelled_never_runs(world: World) -> None:
    world.submit(ONE)
    await world.jobs.cancel(ONE)
    await world.jobs.advance()
    assert (await look(world, ONE)).state is JobState.CANCELLED


async def test_cancelling_ends_a_running_job_however_often_it_is_asked(world: World) -> None:
    world.submit(ONE)
    world.submit(TWO)
    await world.jobs.advance()
    await world.jobs.cancel(ONE)
    await world.jobs.cancel(ONE)
    await world.settled(ONE)
    await world.jobs.advance()
    assert await states(world, ONE, TWO) == ["cancelled", "running"]


async def test_cancelling_leaves_ended_and_unknown_jobs_alone(world: World) -> None:
    world.submit(ONE)
    await world.jobs.advance()
    await world.finish(ONE)
    await world.jobs.cancel(ONE)
    await world.jobs.cancel(TWO)
    assert await states(world, ONE, TWO) == ["succeeded", "absent"]
