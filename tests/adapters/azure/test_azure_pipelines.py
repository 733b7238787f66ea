"""Starting in Azure Pipelines: what is asked for, and one run of it whatever goes wrong."""

from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.faults import DEVOPS, UntakenError
from bot.adapters.azure.pipelines import Files
from bot.domain.run import PipelineState
from bot.errors import InputError, SetupError, UnavailableError
from bot.ports import PipelineKind
from tests.adapters.azure.conftest import Moved
from tests.adapters.azure.devops_world import RUNS, DevOpsWorld, posted
from tests.adapters.local.workbench import until
from tests.adapters.pipeline_requests import ONE, TWO, train

# The file of an organisation that numbers its runs itself.
FREE = """
parameters:
  - {name: runKey, type: string}
  - {name: spec, type: string}
  - {name: target, type: string}
steps:
  - checkout: none
  - bash: sleep 30
"""


async def persist(world: DevOpsWorld, clock: Moved, name: str = ONE) -> list[UnavailableError]:
    """Start again and again, as the loop does; return what stood in the way."""
    refused: list[UnavailableError] = []
    while len(refused) < 50:
        try:
            await world.pipelines.start(train(name))
        except UnavailableError as error:
            refused.append(error)
            await clock.sleep(30)
            await until(lambda: world.devops.calls.gate.held_s == 0, "the pause to end")
        else:
            return refused
    pytest.fail(f"it was never started: {refused[-1]}")


# ---- what is asked for


async def test_a_run_is_told_its_parameters_its_target_and_its_branch(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    (body,) = posted(await world.requests(method="POST", label=""))[-1:]
    assert body["templateParameters"] == {**train().parameters, "target": "azureml"}
    assert body["resources"]["repositories"]["self"]["refName"] == "refs/heads/main"


async def test_what_a_file_declares_decides_what_it_is_told(tmp_path: Path) -> None:
    class Given:
        train_pipeline_id, promote_pipeline_id = 11, 12
        pipeline_branch = "refs/heads/main"
        pipeline_file = tmp_path / "train.yml"
        service_connection, promote_connection = "krsp-training", "krsp-production"

    (tmp_path / "train.yml").write_text(
        "parameters: [{name: runKey, type: string}, {name: serviceConnection, type: string}]"
    )
    files = Files.of(Given())  # type: ignore[arg-type]
    assert files.extra[PipelineKind.TRAIN] == {"serviceConnection": "krsp-training"}
    assert files.extra[PipelineKind.PROMOTE] == {}


async def test_parameters_that_the_file_refuses_are_told_in_its_words(world: DevOpsWorld) -> None:
    with pytest.raises(InputError, match="Unexpected parameter 'nope'"):
        await world.pipelines.start(train(nope="1"))
    assert await world.runs() == []


@pytest.mark.parametrize("name", ["", "Run-1", "a" * 65, "run/1", "run*"])
async def test_a_name_that_could_be_read_as_something_else_is_refused(
    world: DevOpsWorld, name: str
) -> None:
    with pytest.raises(InputError, match="not a run id"):
        await world.pipelines.start(train(name))


async def test_a_pipeline_that_is_not_set_is_a_setup_error(world: DevOpsWorld) -> None:
    adapter = world.adapter(world.devops, files=Files({PipelineKind.TRAIN: 0}))
    with pytest.raises(SetupError, match="KRSP_TRAIN_PIPELINE_ID is not set"):
        await adapter.start(train())


async def test_a_pipeline_that_was_deleted_is_a_setup_error(world: DevOpsWorld) -> None:
    adapter = world.adapter(world.devops, files=Files({PipelineKind.TRAIN: 99}))
    with pytest.raises(SetupError, match="no pipeline 99 in training"):
        await adapter.start(train())


# ---- once


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500},
        {"kind": "timeout_before", "seconds": 1.5},
        {"kind": "timeout_after", "seconds": 1.5},
        {"kind": "cut_before"},
        {"kind": "cut_after"},
        {"kind": "html_sign_in", "times": 2},
        {"kind": "expired_token", "times": 2},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
async def test_whatever_goes_wrong_at_the_start_one_run_comes_of_it(
    world: DevOpsWorld, clock: Moved, fault: dict[str, Any]
) -> None:
    calls = Calls(Gate(DEVOPS), "the bot", timeout_s=1.5)
    world.devops = world.connect(calls=calls)
    world.pipelines = world.adapter(world.devops, clock=clock)
    await world.devops.ask("warm up", lambda: world.devops.build.get_builds("training", top=1))
    await world.fault(method="POST", path=RUNS, **fault)
    refused = await persist(world, clock)
    assert refused
    await world.begin(ONE)
    assert world.started() == len(await world.runs()) == 1


@pytest.mark.parametrize("kind", ["html_sign_in", "expired_token"])
async def test_a_token_that_died_on_the_way_is_renewed_at_once(
    world: DevOpsWorld, kind: str
) -> None:
    await world.fault(method="POST", path=RUNS, kind=kind)
    await world.pipelines.start(train())
    assert len(await world.runs()) == 1


async def test_a_slow_answer_is_waited_for(world: DevOpsWorld) -> None:
    await world.fault(method="POST", path=RUNS, kind="slow", seconds=0.5)
    await world.pipelines.start(train())
    assert len(await world.runs()) == 1


async def test_after_a_lost_answer_nothing_is_started_while_it_may_still_show_up(
    world: DevOpsWorld, clock: Moved
) -> None:
    await world.fault(method="POST", path=RUNS, kind="status", status=503)
    with pytest.raises(UnavailableError, match="looked up"):
        await world.pipelines.start(train())
    with pytest.raises(UnavailableError, match="did not say whether"):
        await world.pipelines.start(train())
    assert await world.runs() == []
    await clock.sleep(91)
    await world.pipelines.start(train())
    assert len(await world.runs()) == 1


async def test_a_refusal_at_the_door_is_no_doubt(world: DevOpsWorld) -> None:
    await world.fault(method="POST", path=RUNS, kind="status", status=429)
    with pytest.raises(UntakenError):
        await world.pipelines.start(train())
    await until(lambda: world.devops.calls.gate.held_s == 0, "the pause to end")
    await world.pipelines.start(train())
    assert len(await world.runs()) == 1


async def test_what_was_started_is_known_without_a_question(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    world.twin.control.label("again")
    await world.pipelines.start(train())
    assert await world.requests(label="again") == []


async def test_a_restarted_bot_finds_the_run_before_it_starts_one(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    again = world.adapter(world.connect())
    await again.start(train())
    assert len(await world.runs()) == 1
    assert set(await again.observe([ONE, TWO])) == {ONE}


async def test_a_run_with_a_number_of_its_own_is_found_by_its_tag(world: DevOpsWorld) -> None:
    world.write("train", "name: nightly-7\n" + FREE)
    await world.pipelines.start(train())
    (run,) = await world.runs()
    assert run["buildNumber"] == "nightly-7"
    assert ONE in run["tags"]
    again = world.adapter(world.connect())
    await again.start(train())
    assert len(await world.runs()) == 1
    assert ONE in await again.observe([ONE])


async def test_a_second_run_of_a_name_is_cancelled_before_it_begins(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.control("set_pool", is_paused=True)
    second = await world.control("start", pipeline="train", parameters=dict(train().parameters))
    seen = await world.seen(ONE)
    assert seen is not None
    assert seen.state is PipelineState.RUNNING
    statuses = {run["id"]: (run["status"], run.get("result")) for run in await world.runs()}
    assert statuses.pop(second) == ("completed", "canceled")
    assert [status for status, _ in statuses.values()] == ["inProgress"]
    await world.finish(ONE)
    assert world.started() == 1


async def test_a_second_run_that_may_not_be_cancelled_hides_nothing(
    world: DevOpsWorld, without: Any
) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.control("set_pool", is_paused=True)
    await world.control("start", pipeline="train", parameters=dict(train().parameters))
    without("Stop builds")
    assert await world.state(ONE) is PipelineState.RUNNING


async def test_of_two_that_wait_the_older_is_kept(world: DevOpsWorld) -> None:
    await world.control("set_pool", is_paused=True)
    await world.pipelines.start(train())
    await world.control("start", pipeline="train", parameters=dict(train().parameters))
    assert await world.state(ONE) is PipelineState.QUEUED
    newest, oldest = await world.runs()
    assert newest["id"] > oldest["id"]
    assert (newest.get("result"), oldest["status"]) == ("canceled", "notStarted")


async def test_when_the_older_was_cancelled_the_other_counts(world: DevOpsWorld) -> None:
    await world.control("set_pool", is_paused=True)
    await world.pipelines.start(train())
    (first,) = await world.runs()
    await world.control("cancel", run=first["id"])
    await world.control("start", pipeline="train", parameters=dict(train().parameters))
    assert await world.state(ONE) is PipelineState.QUEUED
