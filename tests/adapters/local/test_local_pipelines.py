"""The local Pipelines adapter where it matters: killed, doubled, cancelled, out of space."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.pipelines import LocalPipelines, Source
from bot.adapters.local.processes import marked
from bot.adapters.local.supervisor import Supervisor, read_supervisor, spawn
from bot.domain.ordering import train_parameters
from bot.domain.run import PipelineSeen, PipelineState
from bot.errors import DiskFullError, InputError
from bot.ports import PipelineKind, PipelineRequest
from tests.adapters.conftest import SPEC
from tests.adapters.local.workbench import Workbench, until

RUN = "run-20261123-aaaaaa"


def requested(name: str) -> PipelineRequest:
    return PipelineRequest(name, PipelineKind.TRAIN, train_parameters(name, SPEC), "ada")


REQUEST = requested(RUN)
HEAD = """
    name: ${{ parameters.runKey }}
    parameters:
      - {name: runKey, type: string}
      - {name: spec, type: string}
      - {name: target, type: string}
"""
WAITING = """
    stages:
      - stage: first
        jobs:
          - job: j
            steps:
              - checkout: none
              - bash: |
                  echo begun >> "$KRSP_HOME/begun"
                  until [ -e "$KRSP_HOME/go" ]; do sleep 0.02; done
                displayName: Wait
      - stage: second
        jobs:
          - job: j
            steps:
              - checkout: none
              - bash: echo done
"""


class World:
    """A repository with one pipeline, its home, and an adapter as a bot would hold it."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.home = bench.root / "home"
        self.home.mkdir()
        self.folder = self.home / "pipelines" / RUN
        self.pipelines = self.new_bot()

    def new_bot(self) -> LocalPipelines:
        """Return the adapter of a bot that was started again."""
        source = Source(self.bench.repository, "train.yml")
        return LocalPipelines(self.home, source, grace_s=1.0)

    def write(self, body: str) -> None:
        text = textwrap.dedent(HEAD) + textwrap.dedent(body)
        (self.bench.repository / "train.yml").write_text(text, encoding="utf-8")

    async def start(self, body: str) -> None:
        self.write(body)
        await self.pipelines.start(REQUEST)

    async def start_waiting(self) -> None:
        await self.start(WAITING)
        await until((self.home / "begun").exists, "the first step to begin")

    def go_on(self) -> None:
        (self.home / "go").touch()

    async def seen(self) -> PipelineSeen | None:
        return (await self.pipelines.observe([RUN])).get(RUN)

    async def ended(self) -> PipelineSeen:
        async def is_over() -> bool:
            seen = await self.seen()
            return seen is not None and seen.state not in {"queued", "running"}

        await until(is_over, "the run to end")
        seen = await self.seen()
        assert seen is not None
        return seen

    @property
    def supervisor(self) -> Supervisor:
        found = read_supervisor(self.folder)
        assert found is not None
        return found


@pytest.fixture
async def world(bench: Workbench) -> AsyncIterator[World]:
    world = World(bench)
    yield world
    left = read_supervisor(world.folder)
    if left is not None:
        await world.pipelines.cancel(RUN)
        await until(lambda: not left.is_alive, "the supervisor to leave")
        assert marked(left.mark) == []


def other_bot(world: World, does: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines as another process that has the same adapter."""
    lines = f"""
        import asyncio, os, resource, signal, sys
        from pathlib import Path
        from bot.adapters.local.pipelines import LocalPipelines, Source
        from bot.errors import DiskFullError
        from bot.domain.ordering import train_parameters
        from bot.ports import PipelineKind, PipelineRequest
        from trainer.contract.spec import RunSpec
        source = Source(Path({str(world.bench.repository)!r}), "train.yml")
        pipelines = LocalPipelines(Path({str(world.home)!r}), source)
        parameters = train_parameters({RUN!r}, RunSpec.model_validate_json(sys.argv[1]))
        request = PipelineRequest({RUN!r}, PipelineKind.TRAIN, parameters, "ada")
    """
    program = textwrap.dedent(lines) + textwrap.dedent(does)
    return subprocess.run(
        [sys.executable, "-c", program, SPEC.model_dump_json()],
        check=False,
        capture_output=True,
        text=True,
    )


async def test_a_good_run_tells_its_stages_and_times(world: World) -> None:
    await world.start_waiting()
    during = await world.seen()
    assert during is not None
    assert [(stage.name, str(stage.state)) for stage in during.stages] == [
        ("first", "running"),
        ("second", "queued"),
    ]
    world.go_on()
    after = await world.ended()
    assert after.state is PipelineState.SUCCEEDED
    first, second = after.stages
    assert first.started_at < first.ended_at <= second.started_at < second.ended_at
    assert (after.failed_step, after.fault, after.log_tail, after.url) == (None, None, (), None)


async def test_the_spec_and_the_requester_reach_the_steps(world: World) -> None:
    await world.start(
        """
        steps:
          - checkout: none
          - bash: |
              python -c 'import base64, os; print(base64.urlsafe_b64decode(os.environ["S"] + "=="))'
              echo "$BUILD_BUILDNUMBER $BUILD_REQUESTEDFOR $TARGET"
            env: {S: "${{ parameters.spec }}", TARGET: "${{ parameters.target }}"}
        """
    )
    await world.ended()
    log = await world.pipelines.log(RUN)
    assert f"{RUN} ada local" in log
    assert any('"recipe":"tiny-sft"' in line for line in log)


async def test_a_failing_step_is_named_with_its_fault_and_last_lines(world: World) -> None:
    await world.start(
        """
        steps:
          - checkout: none
          - bash: |
              for n in $(seq 30); do echo "line $n"; done
              echo "##vso[task.logissue type=error]The data file is empty."
              echo "##vso[task.logissue type=error]Give one with rows."
              exit 2
            displayName: Check the data
        """
    )
    seen = await world.ended()
    assert seen.state is PipelineState.FAILED
    assert seen.failed_step == "Check the data"
    assert seen.fault == "The data file is empty.\nGive one with rows."
    assert len(seen.log_tail) == 19
    assert seen.log_tail[-4:] == (
        "line 30",
        "##[error]The data file is empty.",
        "##[error]Give one with rows.",
        "##[error]The script ended with exit code 2.",
    )


async def test_a_job_out_of_time_is_a_failure_and_no_cancel(world: World) -> None:
    await world.start(
        "jobs: [{job: j, timeoutInMinutes: 0.01, steps: [{checkout: none}, {bash: sleep 60}]}]\n"
    )
    seen = await world.ended()
    assert (seen.state, seen.failed_step) == (PipelineState.FAILED, "Bash")
    assert seen.fault == "The job ran longer than its 0.01 minutes."


async def test_a_file_that_cannot_be_used_starts_nothing(world: World) -> None:
    world.write("steps:\n  - powershell: x\n")
    with pytest.raises(PipelineError, match=r"^train.yml:8: a step with `powershell` is not"):
        await world.pipelines.start(REQUEST)
    assert not world.folder.exists()
    assert await world.seen() is None


async def test_what_is_no_run_id_touches_nothing(world: World) -> None:
    bad = "../../x"
    world.write(WAITING)
    with pytest.raises(InputError, match="not a run id"):
        await world.pipelines.start(requested(bad))
    await world.pipelines.cancel(bad)
    assert await world.pipelines.observe([bad]) == {}
    assert list(await world.pipelines.log(bad)) == []
    assert list(world.home.iterdir()) == []


async def test_a_bot_killed_before_the_process_began_starts_it_once_later(world: World) -> None:
    await world.start_waiting()
    request = (world.folder / "request.json").read_text()
    world.go_on()
    await world.ended()
    # As after a SIGKILL between the two lines: the request is written, nobody works on it.
    again = world.home / "pipelines" / "run-20261123-bbbbbb"
    again.mkdir()
    (again / "request.json").write_text(request.replace(RUN, again.name))
    assert await world.pipelines.observe([again.name]) == {}
    await world.new_bot().start(requested(again.name))
    assert again.name in await world.pipelines.observe([again.name])
    await until((again / "exit.json").exists, "the second run to end")


async def test_supervisors_started_at_the_same_moment_leave_one_at_work(world: World) -> None:
    await world.start(WAITING)
    module = "bot.adapters.local.pipeline_supervisor"
    await asyncio.gather(*[asyncio.to_thread(spawn, module, world.folder) for _ in range(4)])
    await until((world.home / "begun").exists, "the first step to begin")
    world.go_on()
    await world.ended()
    await asyncio.to_thread(spawn, module, world.folder)
    assert (world.home / "begun").read_text() == "begun\n"


async def test_a_run_goes_on_while_the_bot_is_dead(world: World) -> None:
    world.write(WAITING)
    done = await asyncio.to_thread(
        other_bot,
        world,
        """
        asyncio.run(pipelines.start(request))
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert done.returncode == -signal.SIGKILL
    await until((world.home / "begun").exists, "the first step to begin")
    world.go_on()
    assert (await world.ended()).state is PipelineState.SUCCEEDED


async def test_a_killed_supervisor_is_a_lost_run_whose_steps_are_ended(world: World) -> None:
    await world.start_waiting()
    supervisor = world.supervisor
    os.kill(supervisor.who.pid, signal.SIGKILL)
    seen = await world.ended()
    assert seen.state is PipelineState.LOST
    assert seen.fault == "The pipeline's process was killed before it was done."
    assert [str(stage.state) for stage in seen.stages] == ["lost", "skipped"]
    assert marked(supervisor.mark) == []
    await world.new_bot().start(REQUEST)
    assert (await world.ended()).state is PipelineState.LOST
    assert (world.home / "begun").read_text() == "begun\n"


async def test_a_machine_that_shuts_down_loses_the_run(world: World) -> None:
    await world.start_waiting()
    os.kill(world.supervisor.who.pid, signal.SIGTERM)
    seen = await world.ended()
    assert seen.state is PipelineState.LOST
    assert seen.fault == "The machine ended the pipeline before it was done."


async def test_cancelling_in_the_middle_skips_the_rest(world: World) -> None:
    await world.start_waiting()
    await world.pipelines.cancel(RUN)
    seen = await world.ended()
    assert seen.state is PipelineState.CANCELLED
    assert [str(stage.state) for stage in seen.stages] == ["cancelled", "skipped"]
    assert seen.fault is None


async def test_a_cancelled_supervisor_that_is_killed_is_still_cancelled(world: World) -> None:
    await world.start_waiting()
    os.kill(world.supervisor.who.pid, signal.SIGSTOP)
    await world.pipelines.cancel(RUN)
    os.kill(world.supervisor.who.pid, signal.SIGKILL)
    assert (await world.ended()).state is PipelineState.CANCELLED


async def test_a_run_cancelled_before_it_began_does_nothing(world: World) -> None:
    world.write(WAITING)
    world.folder.mkdir(parents=True)
    (world.folder / "cancel.json").write_text('{"at": 1.0}')
    await world.pipelines.start(REQUEST)
    assert (await world.ended()).state is PipelineState.CANCELLED
    assert not (world.home / "begun").exists()


async def test_a_disk_that_fills_up_fails_the_run_with_a_sentence(world: World) -> None:
    await world.start(
        """
        steps:
          - checkout: none
          - bash: |
              until [ -e "$KRSP_HOME/go" ]; do sleep 0.02; done
              head -c 200000 /dev/zero | tr '\\0' x
        """
    )
    # The limit on a file's size stands for the disk's: EFBIG comes where ENOSPC would.
    psutil.Process(world.supervisor.who.pid).rlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    world.go_on()
    seen = await world.ended()
    assert (seen.state, seen.fault) == (
        PipelineState.FAILED,
        "It could not go on: the disk is full.",
    )
    assert json.loads((world.folder / "exit.json").read_text())["state"] == "failed"
    assert (world.folder / "supervisor.log").read_text() == ""


def test_a_full_disk_refuses_the_start_and_leaves_nothing_half_written(world: World) -> None:
    world.write(WAITING)
    done = other_bot(
        world,
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        try:
            asyncio.run(pipelines.start(request))
        except DiskFullError as error:
            print(error)
        """,
    )
    assert done.stdout == (
        f"Starting the pipeline run {RUN} was not possible: the disk is full. "
        "Free some space and try again.\n"
    )
    assert list(world.folder.iterdir()) == []


def test_a_supervisor_without_room_for_its_last_word_does_not_begin(world: World) -> None:
    world.folder.mkdir(parents=True)
    (world.folder / "request.json").write_text("{}")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(DiskFullError, match="the disk is full"):
            spawn("bot.adapters.local.pipeline_supervisor", world.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_supervisor(world.folder) is None
    assert not (world.folder / "exit.json").exists()


def test_a_pipeline_file_belongs_to_the_git_checkout_around_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "deep" / "azure-pipelines" / "train.yml"
    assert Source.of(file) == Source(tmp_path, "deep/azure-pipelines/train.yml")
    (tmp_path / ".git").rmdir()
    assert Source.of(file) == Source(tmp_path / "deep", "azure-pipelines/train.yml")
