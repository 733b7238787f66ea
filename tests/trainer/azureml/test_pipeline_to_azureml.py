"""train.yml on the twin's agents, with the service connection's identity: one granted job."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.ordering import train_parameters
from bot.domain.run import PipelineSeen, PipelineState
from bot.ports import PipelineKind, PipelineRequest
from tests.adapters.azure.devops_world import OVER, DevOpsWorld, sign_in
from tests.adapters.azure.ml_world import workspace_of
from tests.adapters.local.workbench import until
from tests.azure_twin.fixtures import RunningTwin
from tests.trainer.azureml.conftest import CLUSTER, Granter
from tests.trainer.small import ROOT
from trainer.contract.azure_job import Tag
from trainer.contract.spec import RunSpec

pytestmark = [pytest.mark.slow, pytest.mark.system]
PATIENCE_S = 280.0


class Line:
    """The bot's way to start our own train.yml, and a look at what it put."""

    def __init__(self, world: DevOpsWorld) -> None:
        self.world = world

    async def run(self, name: str, spec: RunSpec) -> PipelineSeen:
        request = PipelineRequest(name, PipelineKind.TRAIN, train_parameters(name, spec), "id-ada")
        pipelines = self.world.pipelines
        await pipelines.start(request)
        seen: PipelineSeen | None = None

        async def is_over() -> bool:
            nonlocal seen
            seen = (await pipelines.observe([name])).get(name)
            return seen is not None and seen.state in OVER

        await until(is_over, f"the pipeline run {name} to end", within_s=PATIENCE_S)
        assert seen is not None
        return seen


@pytest.fixture
async def line(
    azure: RunningTwin,
    submit_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Line]:
    world = DevOpsWorld(azure, tmp_path)
    sign_in(azure, monkeypatch)
    await world.open()
    await world.control("repository", path=str(ROOT))
    wanted = {name: value for name, value in submit_environment.items() if "KRSP_" in name}
    await world.control("group", name="krsp", variables=wanted)
    await asyncio.to_thread(azure.control.call, "quota.set", cluster=CLUSTER, cores=0)
    yield Line(world)
    await world.close()


async def test_the_pipeline_puts_one_granted_job(
    line: Line, granter: Granter, azure_spec: Callable[..., RunSpec]
) -> None:
    name = "run-20261126-aaaaaa"
    seen = await line.run(name, azure_spec())
    assert seen.state is PipelineState.SUCCEEDED, (seen.fault, seen.log_tail)
    assert [asked["name"] for asked in granter.asked] == [name]
    workspace = workspace_of(line.world.twin)
    job: Any = workspace.ml.jobs.get(name)
    assert (job.tags[Tag.RUN_ID], job.tags[Tag.REQUESTER]) == (name, "id-ada")
    assert job.compute == CLUSTER
    workspace.ml.jobs.begin_cancel(name, polling=False)
    workspace.close()


async def test_a_run_that_nobody_granted_fails_with_the_bots_own_words(
    line: Line, granter: Granter, azure_spec: Callable[..., RunSpec]
) -> None:
    name = "run-20261126-bbbbbb"
    granter.status, granter.body = 403, {"detail": "`run-20261126-bbbbbb` waits for approval."}
    seen = await line.run(name, azure_spec())
    assert (seen.state, seen.failed_step) == (PipelineState.FAILED, "Submit")
    assert seen.fault is not None
    assert "waits for approval" in seen.fault
    made = line.world.twin.requests(method="PUT", path=f"/jobs/{name}", host="management")
    assert made == []
