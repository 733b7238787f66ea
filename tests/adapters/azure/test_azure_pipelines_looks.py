"""How often Azure Pipelines is asked, and what a look that fails hides."""

from typing import Any

import pytest

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.faults import DEVOPS, UntakenError
from bot.domain.run import PipelineState
from bot.errors import UnavailableError
from tests.adapters.azure.conftest import Moved
from tests.adapters.azure.devops_world import DevOpsWorld
from tests.adapters.pipeline_requests import ONE, TWO, train

BUILDS = r"/build/builds\?"


async def test_one_look_lists_once_and_asks_for_each_moving_run_only(world: DevOpsWorld) -> None:
    others = [f"run-20261123-dddd{letter}{letter}" for letter in "abcde"]
    for name in (ONE, TWO, *others):
        await world.pipelines.start(train(name))
    for name in others:
        await world.finish(name)
    await world.begin(ONE)
    await world.begin(TWO)
    await world.pipelines.observe([ONE, TWO, *others])
    world.twin.control.label("one look")
    await world.pipelines.observe([ONE, TWO, *others])
    asked = [
        each["path"].rsplit("/", 1)[-1].lower() for each in await world.requests(label="one look")
    ]
    assert sorted(asked) == ["builds", "timeline", "timeline"]


async def test_a_restarted_bot_lists_them_all_at_once(world: DevOpsWorld) -> None:
    wanted = [f"run-20261123-dddd{letter}{letter}" for letter in "abcde"]
    for name in wanted:
        await world.pipelines.start(train(name))
    again = world.adapter(world.connect())
    world.twin.control.label("restart")
    assert set(await again.observe(wanted)) == set(wanted)
    paths = [each["path"].lower() for each in await world.requests(label="restart")]
    assert len([path for path in paths if path.endswith("/builds")]) == 1


async def test_nothing_is_asked_again_before_its_time(world: DevOpsWorld, clock: Moved) -> None:
    patient = world.adapter(world.devops, clock=clock, every_s=5.0)
    await patient.start(train())
    await patient.observe([ONE])
    world.twin.control.label("too soon")
    assert ONE in await patient.observe([ONE])
    assert await world.requests(label="too soon") == []
    await clock.sleep(5)
    await patient.observe([ONE])
    assert await world.requests(label="too soon") != []


async def test_a_run_that_ended_long_ago_is_never_asked_for_again(
    world: DevOpsWorld, clock: Moved
) -> None:
    await world.pipelines.start(train())
    await world.finish(ONE)
    await clock.sleep(3600)
    world.twin.control.label("long ago")
    assert await world.state(ONE) is PipelineState.SUCCEEDED
    assert await world.requests(label="long ago") == []


async def test_while_a_pause_is_wanted_what_was_seen_is_what_is_known(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.fault(path=BUILDS, kind="status", status=429, headers={"Retry-After": "30"})
    with pytest.raises(UntakenError):
        await world.pipelines.observe([ONE])
    world.twin.control.label("pause")
    assert await world.state(ONE) is PipelineState.RUNNING
    with pytest.raises(UntakenError, match="pause"):
        await world.pipelines.start(train(TWO))
    assert await world.requests(label="pause") == []


async def test_a_delayed_answer_holds_the_next_request(world: DevOpsWorld) -> None:
    await world.pipelines.observe([ONE])
    await world.control("set_throttle", cost=101, limit=200, delay_s=0.05)
    await world.pipelines.observe([ONE])
    await world.pipelines.observe([ONE])
    assert world.devops.calls.gate.held_s > 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "cut_before"},
        {"kind": "timeout_before", "seconds": 1.5},
        {"kind": "html_sign_in", "times": 2},
        {"kind": "expired_token", "times": 2},
    ],
    ids=lambda fault: str(fault["kind"]),
)
@pytest.mark.parametrize("path", [BUILDS, "/timeline"])
async def test_a_look_that_fails_says_so_and_the_next_one_sees(
    world: DevOpsWorld, path: str, fault: dict[str, Any]
) -> None:
    world.devops = world.connect(calls=Calls(Gate(DEVOPS), "the bot", timeout_s=1.5))
    world.pipelines = world.adapter(world.devops)
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.fault(method="GET", path=path, **fault)
    with pytest.raises(UnavailableError):
        await world.pipelines.observe([ONE])
    assert await world.state(ONE) is PipelineState.RUNNING


async def test_a_run_whose_stages_are_not_to_be_had_hides_no_other(world: DevOpsWorld) -> None:
    for name in (ONE, TWO):
        await world.pipelines.start(train(name))
        await world.begin(name)
    before = await world.pipelines.observe([ONE, TWO])
    await world.finish(TWO)
    one = next(run for run in await world.runs() if run["buildNumber"] == ONE)
    world.pipelines = world.adapter(world.devops)
    await world.fault(method="GET", path=f"{one['id']}/timeline", kind="status")
    found = await world.pipelines.observe([ONE, TWO])
    assert found[TWO].state is PipelineState.SUCCEEDED
    assert ONE not in found
    assert before[ONE].state is PipelineState.RUNNING
