"""train.yml as the local profile runs it, with the real trainer."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.local.pipelines import LocalPipelines, Source
from bot.adapters.local.supervisor import read_supervisor
from bot.domain.ordering import train_parameters
from bot.domain.run import PipelineSeen, PipelineState
from bot.ports import PipelineKind, PipelineRequest
from trainer.contract.job import JobRequest, job_folder
from trainer.contract.recipe import find_recipe
from trainer.contract.spec import RunSpec, spec_hash

RUN = "run-20261123-a2b3c4"
PATIENCE_S = 240.0  # three checkouts and four Python starts on a machine that may be busy

pytestmark = pytest.mark.system


class World:
    def __init__(self, home: Path, repository: Path) -> None:
        self.home, self.folder = home, home / "pipelines" / RUN
        self.pipelines = LocalPipelines(home, Source.of(repository / "azure-pipelines/train.yml"))

    async def run(self, spec: RunSpec) -> PipelineSeen:
        parameters = train_parameters(RUN, spec)
        request = PipelineRequest(RUN, PipelineKind.TRAIN, parameters, "ada")
        await self.pipelines.start(request)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            seen = (await self.pipelines.observe([RUN]))[RUN]
            if seen.state not in {PipelineState.QUEUED, PipelineState.RUNNING}:
                return seen
            await asyncio.sleep(0.1)
        pytest.fail("the pipeline did not end: " + "\n".join(await self.pipelines.log(RUN)))


@pytest.fixture
async def world(tmp_path: Path, repository: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "home", repository)
    yield world
    supervisor = read_supervisor(world.folder)
    while supervisor is not None and supervisor.is_alive:
        await world.pipelines.cancel(RUN)
        await asyncio.sleep(0.1)


def with_data(uri: str) -> RunSpec:
    body = find_recipe("tiny-sft").spec.model_dump(mode="json")
    body["data"]["train"] = {**body["data"]["train"], "uri": uri, "sha256": None}
    return RunSpec.model_validate(body)


async def test_a_good_spec_ends_as_a_queued_job_of_the_checked_code(world: World) -> None:
    spec = find_recipe("tiny-sft").spec
    seen = await world.run(spec)
    assert (seen.state, seen.fault) == (PipelineState.SUCCEEDED, None)
    assert [str(stage.state) for stage in seen.stages] == ["succeeded"] * 3
    job = JobRequest.model_validate_json((job_folder(world.home, RUN) / "job.json").read_bytes())
    assert (job.run_id, job.spec_sha256) == (RUN, spec_hash(spec))
    assert (Path(job.cwd) / "trainer" / "__main__.py").exists()
    state = json.loads((world.folder / "state.json").read_text())
    assert (state["number"], state["tags"]) == (RUN, [RUN])
    assert any(job.code_sha256 in line for line in await world.pipelines.log(RUN))
    assert list((world.folder / "work").iterdir()) == []


async def test_bad_data_stops_at_validate_with_the_trainers_own_words(
    world: World, tmp_path: Path
) -> None:
    data = tmp_path / "bad.jsonl"
    data.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": \n')
    seen = await world.run(with_data(str(data)))
    assert seen.state is PipelineState.FAILED
    assert [str(stage.state) for stage in seen.stages] == ["failed", "skipped", "skipped"]
    assert seen.failed_step == "Validate spec and data"
    assert seen.fault is not None
    assert str(data) in seen.fault
    assert "exit code" not in seen.fault
    assert not (world.home / "jobs").exists()


async def test_text_in_a_spec_orders_nothing_and_runs_nothing(world: World) -> None:
    evil = "/nope/$(touch ${KRSP_HOME}/pwned)`touch ${KRSP_HOME}/pwned`"
    seen = await world.run(with_data(f"{evil}##vso[build.addbuildtag]evil.jsonl"))
    assert seen.state is PipelineState.FAILED
    assert seen.fault is not None
    assert "## vso[build.addbuildtag]evil" in seen.fault
    assert not (world.home / "pwned").exists()
    assert json.loads((world.folder / "state.json").read_text())["tags"] == [RUN]
