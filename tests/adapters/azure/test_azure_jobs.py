"""AzureJobs when Azure ML is slow, silent, strict or forgetful."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.jobs import FEW
from bot.domain.run import JobSeen, JobState
from bot.errors import AccessError, BotError, NotFoundError, UnavailableError
from tests.adapters.azure.ml_world import CLUSTER, MlWorld
from tests.adapters.local.workbench import until
from tests.azure_twin import world as names
from tests.azure_twin.fixtures import RunningTwin

ONE, TWO = "run-20261123-aaaaaa", "run-20261123-bbbbbb"


@pytest.fixture
async def world(azure: RunningTwin, tmp_path: Path) -> AsyncIterator[MlWorld]:
    made = MlWorld.on(azure, tmp_path)
    yield made
    azure.control.clear_faults()
    await made.close()


async def look(world: MlWorld, name: str = ONE) -> JobSeen:
    return (await world.jobs.observe([name]))[name]


def fault(world: MlWorld, **values: Any) -> None:
    world.twin.control.fault(**values)


ALWAYS = 1000
OUTAGES: dict[str, dict[str, Any]] = {
    "unavailable": {"status": 503},
    "time-out before": {"kind": "timeout_before", "seconds": 0.1},
    "time-out after": {"kind": "timeout_after", "seconds": 0.1},
    "cut before": {"kind": "cut_before"},
    "cut after": {"kind": "cut_after"},
}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_is_told_and_the_next_look_sees(world: MlWorld, outage: str) -> None:
    world.submit(ONE)
    fault(world, host="management", path="/jobs", times=ALWAYS, **OUTAGES[outage])
    with pytest.raises(UnavailableError, match="Azure Machine Learning"):
        await look(world)
    world.twin.control.clear_faults()
    assert (await look(world)).state is JobState.WAITING


async def test_one_lost_connection_is_not_even_noticed(world: MlWorld) -> None:
    world.submit(ONE)
    fault(world, host="management", path="/jobs", kind="cut_before")
    assert (await look(world)).state is JobState.WAITING


async def test_a_pause_that_is_asked_for_is_kept(world: MlWorld) -> None:
    world.submit(ONE)
    fault(world, host="management", path="/jobs", status=429, headers={"Retry-After": "30"})
    with pytest.raises(UnavailableError, match="slow down for 30 s"):
        await look(world)
    before = len(world.twin.requests(host="management"))
    with pytest.raises(UnavailableError, match="asked for a pause"):
        await look(world)
    assert len(world.twin.requests(host="management")) == before


async def test_a_token_that_expired_on_the_way_is_renewed_once(world: MlWorld) -> None:
    world.submit(ONE)
    assert (await look(world)).state is JobState.WAITING
    fault(world, host="management", path="/jobs", kind="expired_token")
    assert (await look(world)).state is JobState.WAITING


async def test_a_token_that_is_never_taken_is_told_as_such(world: MlWorld) -> None:
    fault(world, host="management", kind="expired_token", times=ALWAYS)
    with pytest.raises(AccessError, match="did not accept the token"):
        await look(world)


async def test_a_missing_right_is_named(world: MlWorld) -> None:
    world.twin.control.call("roles.set", client_id=names.BOT_IDENTITY, actions=[])
    with pytest.raises(AccessError, match="workspaces/jobs/read"):
        await look(world)


async def test_slow_answers_are_awaited(world: MlWorld) -> None:
    world.submit(ONE)
    fault(world, host="management", path="/jobs", kind="slow", seconds=1.0)
    assert (await look(world)).state is JobState.WAITING


async def test_a_job_that_was_deleted_is_told_as_such(world: MlWorld) -> None:
    world.submit(ONE)
    assert (await look(world)).state is JobState.WAITING
    missing = {"error": {"code": "UserError", "message": "It was not found."}}
    fault(world, path=rf"/jobs/{world.real(ONE)}\?", status=404, body=missing, times=ALWAYS)
    seen = await look(world)
    assert seen.state is JobState.FAILED
    assert seen.fault is not None
    assert "was deleted in the workspace" in seen.fault


async def test_an_ended_job_is_never_asked_for_again(world: MlWorld) -> None:
    world.submit(ONE)
    await world.jobs.advance()
    await world.finish(ONE, 3)
    before = len(world.twin.requests())
    assert (await look(world)).exit_code == 3
    assert len(world.twin.requests()) == before


async def test_many_jobs_are_looked_for_in_the_list_and_the_rest_by_name(world: MlWorld) -> None:
    for letter in "abcde"[: FEW + 1]:
        world.submit(f"run-20261123-{letter * 6}")
    listed = [f"run-20261123-{letter * 6}" for letter in "abcde"[: FEW + 1]]
    world.twin.control.label("batch")
    seen = await world.jobs.observe([*listed, "run-20261123-zzzzzz"])
    assert {str(seen[name].state) for name in listed} == {"waiting"}
    assert seen["run-20261123-zzzzzz"].state is JobState.ABSENT
    asked = world.twin.requests(label="batch", method="GET", host="management")
    single = [entry["path"] for entry in asked if "/jobs/" in entry["path"]]
    assert [path.rpartition("/")[2] for path in single] == [world.real("run-20261123-zzzzzz")]


async def test_a_waiting_job_says_why(world: MlWorld) -> None:
    world.nodes(1)
    world.submit(ONE)
    world.submit(TWO)
    await world.jobs.advance()
    seen = await look(world, TWO)
    assert "busy on cpu-small" in seen.why_waiting
    assert seen.position == 1
    assert seen.url is not None
    assert seen.url.startswith(f"https://ml.azure.com/runs/{world.real(TWO)}")


async def test_an_exhausted_quota_is_why_a_job_waits(world: MlWorld) -> None:
    world.nodes(1)
    world.twin.control.advance(130)  # no node of an earlier test is idle any more
    world.twin.control.call("quota.set", cluster=CLUSTER, cores=0)
    world.submit(ONE)
    await until(_waits_for(world, "quota"), "the quota to be blamed")
    (cluster, _) = await world.jobs.clusters()
    assert (cluster.quota, cluster.waiting) == (0, 1)
    assert "quota" in cluster.note


def _waits_for(world: MlWorld, word: str) -> Callable[[], Any]:
    async def is_so() -> bool:
        return word in (await look(world)).why_waiting

    return is_so


async def test_clusters_have_nodes_and_quota(world: MlWorld) -> None:
    world.nodes(1)
    world.submit(ONE)
    await world.jobs.advance()
    cpu, t4 = await world.jobs.clusters()
    assert (cpu.name, cpu.sku, cpu.priority) == (CLUSTER, "Standard_DS3_v2", "dedicated")
    assert (cpu.most, cpu.busy, cpu.idle) == (1, 1, 0)
    assert (t4.name, t4.priority, t4.busy) == ("t4-low", "low", 0)
    assert t4.quota is not None


async def test_why_a_job_waits_is_no_reason_not_to_see_it(world: MlWorld) -> None:
    world.submit(ONE)
    fault(world, path="/computes", status=503, times=ALWAYS)
    assert (await look(world)).state is JobState.WAITING


async def test_a_failed_job_has_the_end_of_its_log(world: MlWorld) -> None:
    world.COMMAND = "echo the last words; exit 3"  # type: ignore[misc]
    world.submit(ONE)
    world.nodes(1)
    await until(_has_ended(world), "the job to end")
    seen = await look(world)
    assert (seen.exit_code, seen.log_tail[-1]) == (3, "the last words")


def _has_ended(world: MlWorld) -> Callable[[], Any]:
    async def is_so() -> bool:
        return (await look(world)).ended_at is not None

    return is_so


async def test_a_log_that_cannot_be_read_hides_no_failure(world: MlWorld) -> None:
    world.COMMAND = "exit 3"  # type: ignore[misc]
    world.submit(ONE)
    world.nodes(1)
    fault(world, host="blob", method="GET", status=500, times=ALWAYS)
    await until(_has_ended(world), "the job to end")
    assert (await look(world)).exit_code == 3


async def test_a_result_that_is_not_there_is_refused(world: MlWorld) -> None:
    assert await world.jobs.results("run-20261123-zzzzzz") == []
    with pytest.raises(NotFoundError, match="There is no result"):
        async for _ in world.jobs.read_result("run-20261123-zzzzzz", "../../secret"):
            pass


async def test_a_cancel_whose_answer_is_lost_has_its_effect(world: MlWorld) -> None:
    world.submit(ONE)
    await look(world)
    fault(world, method="POST", path="/cancel", kind="cut_after")
    try:
        await world.jobs.cancel(ONE)
    except BotError:
        await world.jobs.cancel(ONE)
    await world.settled(ONE)
    assert (await look(world)).state in {JobState.CANCELLED, JobState.WAITING}


async def test_many_looks_at_once_are_one_world(world: MlWorld) -> None:
    world.submit(ONE)
    seen = await asyncio.gather(*(look(world) for _ in range(8)))
    assert {one.state for one in seen} == {JobState.WAITING}
