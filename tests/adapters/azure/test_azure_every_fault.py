"""What the bot only reads in Azure ML, under every fault: told, then taken up again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.jobs import AzureJobs
from bot.adapters.azure.registry import AzureRegistry
from bot.adapters.azure.tracking import AzureTracking
from bot.adapters.azure.workspace import Workspace
from bot.errors import AccessError, BotError, UnavailableError
from bot.ports import MetricsQuery
from tests.adapters.azure.ml_world import ENTRIES, MlTracking, MlWorld, workspace_of
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.world import COMPUTE_IDENTITY

RUN = "run-20261123-ffffff"
ALWAYS = 1000

FAULTS: dict[str, dict[str, Any]] = {
    "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
    "unavailable": {"status": 503},
    "time-out before": {"kind": "timeout_before", "seconds": 0.1},
    "time-out after": {"kind": "timeout_after", "seconds": 0.1},
    "cut before": {"kind": "cut_before"},
    "cut after": {"kind": "cut_after"},
    "sign-in page": {"kind": "html_sign_in"},
    "expired token": {"kind": "expired_token"},
}
DENIALS = {"sign-in page", "expired token"}


@dataclass(frozen=True)
class Reader:
    """One way of asking: what it asks, where that goes, and what it finds when all is well."""

    look: Callable[[], Awaitable[Any]]
    where: dict[str, str]
    finds: Callable[[Any], bool]


@pytest.fixture
def files(azure: RunningTwin, tmp_path: Path) -> Iterator[MlTracking]:
    made = MlTracking(azure, tmp_path, RUN)
    made.write_losses({1: 3.0})
    yield made
    azure.control.clear_faults()
    made.close()


@pytest.fixture
async def workspace(azure: RunningTwin) -> AsyncIterator[Workspace]:
    made = workspace_of(azure, timeout_s=10.0)
    yield made
    azure.control.clear_faults()
    made.close()


@pytest.fixture
async def curves(azure: RunningTwin, tmp_path: Path) -> AsyncIterator[Reader]:
    """Return what reads a job's metrics from MLflow, where it has left no files."""
    world = MlWorld.on(azure, tmp_path / "curves")
    world.COMMAND = "sleep 300"  # type: ignore[misc]
    world.submit(RUN)
    await world.jobs.advance()
    name = world.real(RUN)
    world.mlflow(COMPUTE_IDENTITY)(
        "runs/log-metric", run_id=name, key="loss", value=3.0, step=1, timestamp=1
    )
    tracking = AzureTracking(tmp_path / "curves", world.workspace, lambda _: name, page_look_s=0)
    await tracking.observe([name])  # its record is known; what may fail now are the curves
    yield Reader(
        lambda: tracking.metrics(name, MetricsQuery(keys=("loss",))),
        {"path": "/metrics/get-history"},
        lambda seen: seen.series[0].last == (3.0,),
    )
    await world.close()


@pytest.fixture(params=["jobs", "clusters", "files", "models", "endpoints", "curves"])
def reader(request: pytest.FixtureRequest, files: MlTracking, workspace: Workspace) -> Reader:
    if request.param == "curves":
        found: Reader = request.getfixturevalue("curves")
        return found
    jobs, registry = AzureJobs(workspace, ENTRIES), AzureRegistry(workspace)
    readers = {
        "jobs": Reader(
            lambda: jobs.observe([RUN]),
            {"host": "management", "path": "/jobs"},
            lambda seen: seen[RUN] is not None,
        ),
        "clusters": Reader(
            jobs.clusters,
            {"host": "management", "path": "/computes"},
            lambda seen: {each.sku for each in seen} >= {"Standard_DS3_v2"},
        ),
        "files": Reader(
            lambda: files.tracking.observe([RUN]),
            {"host": "blob"},
            lambda seen: seen[RUN].step == 1,
        ),
        "models": Reader(
            registry.versions,
            {"host": "management", "path": "/models"},
            lambda seen: isinstance(seen, list),
        ),
        "endpoints": Reader(
            registry.endpoints,
            {"host": "management", "path": "/onlineEndpoints"},
            lambda seen: isinstance(seen, list),
        ),
    }
    return readers[request.param]


async def recovered(reader: Reader) -> bool:
    """Look until the pause that the service asked for is over."""
    for _ in range(40):
        try:
            return reader.finds(await reader.look())
        except UnavailableError:
            await asyncio.sleep(0.1)
    return False


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_goes_on_is_told_without_a_secret_and_taken_up_again(
    azure: RunningTwin, reader: Reader, fault: str
) -> None:
    azure.control.fault(times=ALWAYS, **reader.where, **FAULTS[fault])
    with pytest.raises(BotError) as told:
        await reader.look()
    assert isinstance(told.value, AccessError if fault in DENIALS else UnavailableError)
    assert "Azure Machine Learning" in str(told.value)
    assert "eyJ" not in str(told.value)
    azure.control.clear_faults()
    assert await recovered(reader)


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_happens_once_costs_one_look_at_most(
    azure: RunningTwin, reader: Reader, fault: str
) -> None:
    azure.control.fault(times=1, **reader.where, **FAULTS[fault])
    assert await recovered(reader)


async def test_a_slow_answer_is_waited_for(azure: RunningTwin, reader: Reader) -> None:
    azure.control.fault(times=1, kind="slow", seconds=1.0, **reader.where)
    assert reader.finds(await reader.look())
