"""The local Jobs adapter where it matters: killed, preempted, cancelled, side by side."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.adapters.local.jobs import LocalJobs
from bot.adapters.local.processes import marked
from bot.adapters.local.supervisor import Supervisor, read_supervisor
from bot.domain.run import JobSeen, JobState
from tests.adapters.local.workbench import until
from trainer.contract.job import JobRequest, job_folder

ONE, TWO, THREE = "run-20261123-aaaaaa", "run-20261123-bbbbbb", "run-20261123-cccccc"
WAIT = 'touch "$H/$RUN.up"; until [ -e "$H/go" ]; do sleep 0.02; done'


class World:
    """A home with jobs, and an adapter as a bot would hold it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.jobs = LocalJobs(home, grace_s=1.0)

    def submit(self, script: str, run_id: str = ONE, **changes: Any) -> None:
        folder = job_folder(self.home, run_id)
        folder.mkdir(parents=True)
        job = JobRequest(
            run_id=run_id,
            command=("bash", "-c", script),
            cwd=str(self.home),
            env={"H": str(self.home), "RUN": run_id},
            submitted_at=float(len(list((self.home / "jobs").iterdir()))),
            sku="local-cpu",
            gpus=0,
            spec_sha256="",
            code_sha256="",
        ).model_copy(update=changes)
        (folder / "job.json").write_text(job.model_dump_json())

    async def begin(self, script: str, run_id: str = ONE, **changes: Any) -> None:
        """Submit a job and wait until it is up."""
        self.submit(script, run_id, **changes)
        await self.jobs.advance()
        await until((self.home / f"{run_id}.up").exists, f"{run_id} to come up")

    async def run(self, script: str, run_id: str = ONE, **changes: Any) -> JobSeen:
        """Submit a job and wait until its first attempt has ended."""
        self.submit(script, run_id, **changes)
        await self.jobs.advance()
        return await self.rested(run_id)

    async def rested(self, run_id: str = ONE) -> JobSeen:
        async def rests() -> bool:
            return (await self.seen(run_id)).state is not JobState.RUNNING

        await until(rests, f"{run_id} to stop")
        return await self.seen(run_id)

    async def seen(self, run_id: str = ONE) -> JobSeen:
        return (await self.jobs.observe([run_id]))[run_id]

    def supervisor(self, run_id: str = ONE) -> Supervisor:
        found = read_supervisor(job_folder(self.home, run_id))
        assert found is not None
        return found

    def log(self, run_id: str = ONE) -> list[str]:
        return (job_folder(self.home, run_id) / "log.txt").read_text().splitlines()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    for folder in (tmp_path / "jobs").glob("*"):
        await world.jobs.cancel(folder.name)
    await world.jobs.advance()
    for folder in (tmp_path / "jobs").glob("*"):
        left = read_supervisor(folder)
        if left is not None:
            await until(lambda s=left: not s.is_alive, "the supervisor to leave")
            assert marked(left.mark) == []


async def test_output_of_all_attempts_is_appended_to_one_log(world: World) -> None:
    script = (
        'echo "out $KRSP_ATTEMPT"; echo "err $KRSP_ATTEMPT" >&2; [ "$KRSP_ATTEMPT" = 2 ] || exit 75'
    )
    assert (await world.run(script)).state is JobState.WAITING
    await world.jobs.advance()
    seen = await world.rested()
    assert (seen.state, seen.attempt, seen.exit_code) == (JobState.SUCCEEDED, 2, 0)
    assert world.log() == ["out 1", "err 1", "out 2", "err 2"]


async def test_times_are_summed_over_attempts(world: World) -> None:
    first = await world.run('sleep 0.3; [ "$KRSP_ATTEMPT" = 2 ] || exit 75')
    assert first.started_at is not None
    assert first.ended_at is None
    await world.jobs.advance()
    last = await world.rested()
    assert last.started_at == first.started_at
    assert last.ended_at is not None
    assert last.busy_s >= first.busy_s + 0.3
    assert (last.ended_at - first.started_at).total_seconds() >= last.busy_s - 0.01


async def test_the_bots_settings_are_hidden_from_a_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRSP_DATABASE_URL", "secret")
    await world.run('echo "${KRSP_DATABASE_URL:-none} $OURS"', env={"OURS": "given"})
    assert world.log() == ["none given"]


async def test_a_command_that_is_not_there_is_a_failure_with_a_sentence(world: World) -> None:
    seen = await world.run("", command=("/no/such/program",))
    assert seen.state is JobState.FAILED
    assert seen.fault is not None
    assert "The command could not be run" in seen.fault
    assert "/no/such/program" in seen.fault


async def test_a_job_file_that_cannot_be_read_is_a_failure_with_a_sentence(world: World) -> None:
    world.submit("true")
    (job_folder(world.home, ONE) / "job.json").write_text('{"run_id": 1}')
    await world.jobs.advance()
    seen = await world.seen()
    assert seen.state is JobState.FAILED
    assert seen.fault is not None
    assert "job.json cannot be used" in seen.fault


async def test_a_job_killed_from_outside_says_so(world: World) -> None:
    seen = await world.run("echo last words; kill -KILL $$")
    assert (seen.state, seen.exit_code) == (JobState.FAILED, 137)
    assert seen.fault == ("The job was killed from outside; often the machine ran out of memory.")
    assert seen.log_tail == ("last words",)


async def test_cancelling_lets_a_job_save_first(world: World) -> None:
    await world.begin(f"trap 'echo saved; exit 75' TERM; {WAIT}")
    await world.jobs.cancel(ONE)
    seen = await world.rested()
    assert (seen.state, seen.exit_code) == (JobState.CANCELLED, 75)
    assert world.log()[-1] == "saved"


async def test_a_job_that_ends_well_in_spite_of_a_cancel_succeeded(world: World) -> None:
    await world.begin(f"trap 'exit 0' TERM; {WAIT}")
    await world.jobs.cancel(ONE)
    assert (await world.rested()).state is JobState.SUCCEEDED


async def test_a_job_that_ignores_a_cancel_is_killed_with_all_it_started(world: World) -> None:
    # The grandchild has a session of its own; the fixture looks for what is left.
    await world.begin(f"trap '' TERM; setsid sleep 600 & {WAIT}")
    began = time.monotonic()
    await world.jobs.cancel(ONE)
    seen = await world.rested()
    assert (seen.state, seen.exit_code) == (JobState.CANCELLED, 137)
    assert time.monotonic() - began >= 1.0


async def test_a_machine_that_shuts_down_preempts_a_job(world: World) -> None:
    await world.begin(f"trap 'exit 75' TERM; {WAIT}")
    os.kill(world.supervisor().who.pid, signal.SIGTERM)
    seen = await world.rested()
    assert (seen.state, seen.attempt) == (JobState.WAITING, 2)


async def test_a_killed_supervisor_is_a_preemption_and_its_orphan_ends_first(world: World) -> None:
    await world.begin(f'echo "$KRSP_ATTEMPT begins"; {WAIT}; echo "$KRSP_ATTEMPT ends"')
    orphan_mark = world.supervisor().mark
    os.kill(world.supervisor().who.pid, signal.SIGKILL)
    seen = await world.rested()
    assert (seen.state, seen.attempt, seen.position) == (JobState.WAITING, 2, 1)
    assert len(marked(orphan_mark)) > 0
    await world.jobs.advance()
    assert marked(orphan_mark) == []
    (world.home / "go").touch()
    assert (await world.rested()).state is JobState.SUCCEEDED
    assert world.log() == ["1 begins", "2 begins", "2 ends"]


async def test_a_supervisor_killed_too_often_fails_the_job(world: World) -> None:
    await world.begin(WAIT)
    for _ in range(3):
        os.kill(world.supervisor().who.pid, signal.SIGKILL)
        assert (await world.rested()).state is JobState.WAITING
        await world.jobs.advance()
        assert (await world.seen()).state is JobState.RUNNING
    os.kill(world.supervisor().who.pid, signal.SIGKILL)
    seen = await world.rested()
    assert (seen.state, seen.attempt) == (JobState.FAILED, 4)
    assert seen.fault == "The job's supervisor was killed 4 times."
    await world.jobs.advance()
    assert await world.seen() == seen


async def test_a_killed_supervisor_of_a_cancelled_job_leaves_it_cancelled(world: World) -> None:
    await world.begin(WAIT)
    os.kill(world.supervisor().who.pid, signal.SIGSTOP)
    await world.jobs.cancel(ONE)
    os.kill(world.supervisor().who.pid, signal.SIGKILL)
    assert (await world.rested()).state is JobState.CANCELLED
    await world.jobs.advance()
    seen = await world.seen()
    assert (seen.state, seen.attempt) == (JobState.CANCELLED, 1)


async def test_two_bots_that_advance_at_the_same_moment_start_one_job(world: World) -> None:
    world.submit(f'echo x >> "$H/starts"; {WAIT}')
    await asyncio.gather(*[LocalJobs(world.home).advance() for _ in range(4)])
    await until((world.home / f"{ONE}.up").exists, "the job to come up")
    (world.home / "go").touch()
    await world.rested()
    assert (world.home / "starts").read_text() == "x\n"


async def test_a_job_goes_on_while_the_bot_is_dead_and_is_adopted(world: World) -> None:
    world.submit(WAIT)
    bot = textwrap.dedent(
        f"""
        import asyncio, os, signal
        from pathlib import Path
        from bot.adapters.local.jobs import LocalJobs
        asyncio.run(LocalJobs(Path({str(world.home)!r})).advance())
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", bot], check=False)
    assert done.returncode == -signal.SIGKILL
    await until((world.home / f"{ONE}.up").exists, "the job to come up")
    await world.jobs.advance()
    assert (await world.seen()).state is JobState.RUNNING
    (world.home / "go").touch()
    assert (await world.rested()).state is JobState.SUCCEEDED


async def test_slots_run_side_by_side_and_no_more(world: World) -> None:
    world.jobs = LocalJobs(world.home, slots=2, grace_s=1.0)
    for run_id in (ONE, TWO, THREE):
        world.submit(WAIT, run_id)
    await world.jobs.advance()
    seen = await world.jobs.observe([ONE, TWO, THREE])
    assert [str(each.state) for each in seen.values()] == ["running", "running", "waiting"]


async def test_a_job_sees_the_gpus_it_asked_for_and_no_other(world: World) -> None:
    world.jobs = LocalJobs(world.home, slots=3, has_gpus=True, grace_s=1.0)
    script = f'echo "$CUDA_VISIBLE_DEVICES"; {WAIT}'
    world.submit(script, ONE, gpus=1)
    world.submit(script, TWO, gpus=2)
    world.submit(script, THREE, gpus=8)
    await world.jobs.advance()
    (world.home / "go").touch()
    await world.rested(ONE)
    await world.rested(TWO)
    assert (await world.seen(THREE)).state is JobState.WAITING
    await world.jobs.advance()
    await world.rested(THREE)
    assert [world.log(run_id) for run_id in (ONE, TWO, THREE)] == [["0"], ["1,2"], ["0,1,2"]]


async def test_the_first_in_the_queue_is_never_overtaken(world: World) -> None:
    world.jobs = LocalJobs(world.home, slots=2, has_gpus=True, grace_s=1.0)
    world.submit(WAIT, ONE, gpus=1)
    world.submit(WAIT, TWO, gpus=2)
    world.submit(WAIT, THREE, gpus=1)
    await world.jobs.advance()
    seen = await world.jobs.observe([ONE, TWO, THREE])
    assert [str(each.state) for each in seen.values()] == ["running", "waiting", "waiting"]


async def test_a_disk_that_fills_up_leaves_a_clear_end(world: World) -> None:
    await world.begin(f'{WAIT}; head -c 100000 /dev/zero | tr "\\0" x || exit 28')
    supervisor = psutil.Process(world.supervisor().who.pid)
    for process in (supervisor, *supervisor.children(recursive=True)):
        process.rlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    (world.home / "go").touch()
    seen = await world.rested()
    assert seen.state is JobState.FAILED
    said = json.loads((job_folder(world.home, ONE) / "exit.json").read_text())
    assert (said["state"], said["attempt"]) == ("failed", 1)
    assert (job_folder(world.home, ONE) / "supervisor.log").read_text() == ""


async def test_a_job_name_from_outside_touches_nothing(world: World) -> None:
    (world.home / "job.json").write_text("{}")
    await world.jobs.cancel("../")
    assert (await world.seen("../")).state is JobState.ABSENT
    assert sorted(path.name for path in world.home.iterdir()) == ["job.json"]
