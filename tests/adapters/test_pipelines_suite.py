"""The contract of Pipelines, for every adapter of it."""

import asyncio
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from bot.adapters.local.pipelines import LocalPipelines, Source
from bot.adapters.local.supervisor import read_supervisor
from bot.adapters.memory import MemoryPipelines
from bot.domain.run import PipelineState
from bot.ports import Pipelines
from tests.adapters.azure.devops_world import DevOpsWorld, sign_in
from tests.adapters.local.workbench import until
from tests.adapters.pipeline_requests import ONE, OVER, TWO, train


class World(Protocol):
    """An adapter, and the hand that moves what it watches."""

    pipelines: Pipelines

    async def begin(self, run_id: str) -> None: ...
    async def finish(self, run_id: str, *, good: bool = True) -> None: ...
    def started(self) -> int: ...


async def state(world: World, run_id: str = ONE) -> PipelineState | None:
    seen = (await world.pipelines.observe([run_id])).get(run_id)
    return seen.state if seen else None


class MemoryWorld:
    def __init__(self) -> None:
        self.pipelines = MemoryPipelines()

    async def begin(self, run_id: str) -> None:
        self.pipelines.begin(run_id)

    async def finish(self, run_id: str, *, good: bool = True) -> None:
        self.pipelines.finish(run_id, PipelineState.SUCCEEDED if good else PipelineState.FAILED)

    def started(self) -> int:
        return len(self.pipelines.requests)


class LocalWorld:
    """Every run waits for a file that says how it ends."""

    FILE = """
        name: ${{ parameters.runKey }}
        parameters:
          - {name: runKey, type: string}
          - {name: spec, type: string}
          - {name: target, type: string}
        steps:
          - checkout: none
          - bash: |
              echo "$RUN" >> "$KRSP_HOME/started"
              until [ -e "$KRSP_HOME/$RUN" ]; do sleep 0.02; done
              exit "$(cat "$KRSP_HOME/$RUN")"
            displayName: Wait
            env: {RUN: "${{ parameters.runKey }}"}
        """

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.home.mkdir()
        file = root / "repository" / "azure-pipelines" / "train.yml"
        file.parent.mkdir(parents=True)
        file.write_text(textwrap.dedent(self.FILE), encoding="utf-8")
        self.pipelines = LocalPipelines(self.home, Source.of(file), grace_s=1.0)

    async def begin(self, run_id: str) -> None:
        await until(
            lambda: self._has_begun(run_id) and self._is_running(run_id), f"{run_id} to run"
        )

    def _has_begun(self, run_id: str) -> bool:
        started = self.home / "started"
        return started.exists() and run_id in started.read_text().split()

    async def _is_running(self, run_id: str) -> bool:
        return await state(self, run_id) is PipelineState.RUNNING

    async def finish(self, run_id: str, *, good: bool = True) -> None:
        (self.home / run_id).write_text("0" if good else "7")
        await self.ended(run_id)

    async def ended(self, run_id: str) -> None:
        async def is_over() -> bool:
            return await state(self, run_id) in OVER

        await until(is_over, f"{run_id} to end")

    def started(self) -> int:
        started = self.home / "started"
        return len(started.read_text().split()) if started.exists() else 0

    async def close(self) -> None:
        """End whatever a test left running."""
        for folder in (self.home / "pipelines").glob("*"):
            await self.pipelines.cancel(folder.name)
            supervisor = read_supervisor(folder)
            if supervisor is not None:
                await until(lambda s=supervisor: not s.is_alive, f"{folder.name} to leave")


@pytest.fixture(params=["memory", "local", "azure"])
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    elif request.param == "local":
        local = LocalWorld(tmp_path)
        yield local
        await local.close()
    else:
        twin = request.getfixturevalue("azure")
        sign_in(twin, monkeypatch)
        devops = DevOpsWorld(twin, tmp_path)
        await devops.open()
        yield devops
        await devops.close()


async def test_a_run_that_was_never_started_is_absent(world: World) -> None:
    assert await world.pipelines.observe([ONE, TWO]) == {}


async def test_a_started_run_is_queued_or_running_until_it_ends(world: World) -> None:
    await world.pipelines.start(train())
    assert await state(world) in {PipelineState.QUEUED, PipelineState.RUNNING}
    await world.begin(ONE)
    assert await state(world) is PipelineState.RUNNING
    await world.finish(ONE)
    assert await state(world) is PipelineState.SUCCEEDED


async def test_a_run_that_fails_says_so(world: World) -> None:
    await world.pipelines.start(train())
    await world.finish(ONE, good=False)
    assert await state(world) is PipelineState.FAILED


async def test_starting_again_starts_nothing(world: World) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.pipelines.start(train())
    await world.finish(ONE)
    await world.pipelines.start(train())
    assert await state(world) is PipelineState.SUCCEEDED
    assert world.started() == 1


async def test_two_starts_at_the_same_moment_start_one(world: World) -> None:
    await asyncio.gather(*[world.pipelines.start(train()) for _ in range(3)])
    await world.begin(ONE)
    await world.finish(ONE)
    assert world.started() == 1


async def test_runs_are_told_apart(world: World) -> None:
    await world.pipelines.start(train(ONE))
    await world.pipelines.start(train(TWO))
    await world.finish(TWO)
    assert await state(world, TWO) is PipelineState.SUCCEEDED
    assert await state(world, ONE) not in OVER


async def test_cancelling_ends_a_run_however_often_it_is_asked(world: World) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.pipelines.cancel(ONE)
    await world.pipelines.cancel(ONE)
    if isinstance(world, LocalWorld | DevOpsWorld):
        await world.ended(ONE)
    assert await state(world) is PipelineState.CANCELLED


async def test_cancelling_leaves_an_ended_run_alone(world: World) -> None:
    await world.pipelines.start(train())
    await world.finish(ONE)
    await world.pipelines.cancel(ONE)
    assert await state(world) is PipelineState.SUCCEEDED


async def test_cancelling_an_unknown_run_does_nothing(world: World) -> None:
    await world.pipelines.cancel(ONE)
    assert await world.pipelines.observe([ONE]) == {}


async def test_an_unknown_run_has_no_log(world: World) -> None:
    assert list(await world.pipelines.log(ONE)) == []
