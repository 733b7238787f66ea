"""Starting, watching and cancelling in Azure Pipelines, when all is well and when it is not."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.credential import Identity, Tokens
from bot.adapters.azure.faults import DEVOPS, UntakenError
from bot.adapters.azure.pipelines import Files
from bot.domain.ordering import train_parameters
from bot.domain.run import PipelineState
from bot.errors import AccessError, InputError, SetupError, UnavailableError
from bot.ports import Clock, PipelineKind, PipelineRequest
from tests.adapters.azure.devops_world import RUNS, DevOpsWorld, identity, posted, sign_in
from tests.adapters.conftest import SPEC
from tests.adapters.local.workbench import until
from tests.azure_twin import world as names
from tests.azure_twin.fixtures import RunningTwin

ONE, TWO = "run-20261123-aaaaaa", "run-20261123-bbbbbb"
PROMO = "promo-20261123-cccccc"
BUILDS = r"/build/builds\?"


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


def secret(text: str = names.BOT_APP_SECRET) -> SecretStr:
    return SecretStr(text)


class Moved(Clock):
    """The time, some of it skipped."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += timedelta(seconds=seconds)


def train(name: str = ONE, **parameters: str) -> PipelineRequest:
    given = {**train_parameters(name, SPEC), **parameters}
    return PipelineRequest(name, PipelineKind.TRAIN, given, "ada")


def promote(name: str = PROMO) -> PipelineRequest:
    given = {"runKey": name, "action": "promote"}
    return PipelineRequest(name, PipelineKind.PROMOTE, given, "grace")


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
async def world(
    azure: RunningTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Moved
) -> AsyncIterator[DevOpsWorld]:
    sign_in(azure, monkeypatch)
    found = DevOpsWorld(azure, tmp_path, clock=clock)
    await found.open()
    yield found
    await found.close()


@pytest.fixture
def without(azure: RunningTwin) -> Iterator[Any]:
    """Return a function that takes rights from the bot until the test ends."""
    taken: list[str] = []

    def revoke(*wanted: str) -> None:
        taken.extend(wanted)
        azure.control.call("devops.rights", who=names.BOT_IDENTITY, revoke=list(wanted))

    yield revoke
    azure.control.call("devops.rights", who=names.BOT_IDENTITY, grant=taken)


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


# ---- who may


async def test_a_missing_right_is_named_and_waited_for(world: DevOpsWorld, without: Any) -> None:
    without("Queue builds")
    with pytest.raises(AccessError, match="`Queue builds`") as caught:
        await world.pipelines.start(train())
    assert names.BOT_IDENTITY in str(caught.value)
    await world.control("rights", who=names.BOT_IDENTITY, grant=["Queue builds"])
    await world.pipelines.start(train())
    assert len(await world.runs()) == 1


async def test_an_identity_that_is_no_member_is_told_where_to_add_it(world: DevOpsWorld) -> None:
    stranger = Identity("client_secret", names.TENANT, names.BOT_APP, None, secret())
    adapter = world.adapter(world.connect(tokens=Tokens(stranger)))
    with pytest.raises(AccessError, match="Organization settings > Users"):
        await adapter.start(train())


async def test_a_wrong_tenant_is_named_with_its_setting(world: DevOpsWorld) -> None:
    elsewhere = "99999999-0000-0000-0000-000000000000"
    lost = Identity("client_secret", elsewhere, names.BOT_APP, None, secret())
    adapter = world.adapter(world.connect(tokens=Tokens(lost)))
    with pytest.raises(AccessError, match="KRSP_TENANT_ID"):
        await adapter.start(train())


async def test_a_wrong_secret_is_named_and_never_shown(world: DevOpsWorld) -> None:
    wrong = Identity("client_secret", names.TENANT, names.BOT_APP, None, secret("not-this-one"))
    adapter = world.adapter(world.connect(tokens=Tokens(wrong)))
    with pytest.raises(AccessError, match="KRSP_CLIENT_SECRET") as caught:
        await adapter.start(train())
    assert "not-this-one" not in str(caught.value)
    assert "not-this-one" not in repr(wrong)


async def test_a_project_that_does_not_exist_is_a_setup_error(world: DevOpsWorld) -> None:
    adapter = world.adapter(world.connect(project="elsewhere"))
    with pytest.raises(SetupError, match="KRSP_DEVOPS_PROJECT"):
        await adapter.start(train())


# ---- what is seen


async def test_a_run_shows_its_stages_and_its_page(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    seen = await world.seen(ONE)
    assert seen is not None
    assert [(stage.name, stage.state) for stage in seen.stages] == [
        ("validate", PipelineState.RUNNING),
        ("submit", PipelineState.QUEUED),
    ]
    (run,) = await world.runs()
    assert seen.url == f"{names.DEVOPS_URL}/{names.PROJECT}/_build/results?buildId={run['id']}"


async def test_a_failed_run_names_the_step_its_fault_and_its_last_words(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.finish(ONE, good=False)
    seen = await world.seen(ONE)
    assert seen is not None
    assert (seen.failed_step, seen.fault) == ("Wait", "The hand said 7.")
    assert any("the secret is password=" in line for line in seen.log_tail)
    assert not any("hunter2" in line for line in seen.log_tail)
    assert not any(line.startswith("##[section]") for line in seen.log_tail)


async def test_a_run_without_an_agent_says_why(world: DevOpsWorld) -> None:
    await world.control("set_pool", parallel=0)
    await world.pipelines.start(train())
    await world.ended(ONE)
    seen = await world.seen(ONE)
    assert seen is not None
    assert seen.state is PipelineState.FAILED
    assert "parallelism" in (seen.fault or "")


async def test_a_log_has_the_lines_of_all_steps_in_order(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.finish(ONE)
    found = list(await world.pipelines.log(ONE))
    assert found.index("the secret is password=[redacted]") < found.index("done")


async def test_a_pending_approval_is_told_and_never_decided(world: DevOpsWorld) -> None:
    await world.pipelines.start(promote())
    await until(lambda: _waits(world), "the approval")
    seen = await world.seen(PROMO)
    assert seen is not None
    (sentence,) = seen.waits_for
    assert "Deploy waits for an approval by Megan Bowen or Nestor Wilke" in sentence
    assert seen.url is not None
    assert seen.url in sentence
    (run,) = await world.runs()
    await world.control("approve", run=run["id"], person="Megan Bowen")
    await world.ended(PROMO)
    seen = await world.seen(PROMO)
    assert seen is not None
    assert (seen.state, seen.waits_for) == (PipelineState.SUCCEEDED, ())
    assert not [r for r in await world.requests(path="approvals") if r["method"] != "GET"]


async def _waits(world: DevOpsWorld) -> bool:
    seen = await world.seen(PROMO)
    return seen is not None and bool(seen.waits_for)


async def test_a_refused_approval_is_the_fault(world: DevOpsWorld) -> None:
    await world.pipelines.start(promote())
    await until(lambda: _waits(world), "the approval")
    (run,) = await world.runs()
    await world.control("approve", run=run["id"], person="Megan Bowen", status="rejected")
    await world.ended(PROMO)
    seen = await world.seen(PROMO)
    assert seen is not None
    assert seen.fault == "The approval of stage Deploy was not given."


async def test_a_deleted_run_is_lost(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.empty()
    seen = await world.seen(ONE)
    assert seen is not None
    assert seen.state is PipelineState.LOST
    assert "was deleted in Azure DevOps" in (seen.fault or "")


async def test_a_run_that_ended_well_stays_so_when_it_is_deleted(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.finish(ONE)
    await world.empty()
    assert await world.state(ONE) is PipelineState.SUCCEEDED


# ---- how often is asked


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


# ---- what goes wrong later


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


async def test_who_must_approve_is_left_out_when_it_may_not_be_asked(world: DevOpsWorld) -> None:
    await world.fault(path="/approvals", kind="status", status=403, times=1000)
    await world.pipelines.start(promote())
    await until(lambda: _waits(world), "the approval")
    seen = await world.seen(PROMO)
    assert seen is not None
    assert "Deploy waits for an approval: https://" in seen.waits_for[0]


async def test_a_wait_without_an_agent_can_be_cancelled(world: DevOpsWorld) -> None:
    await world.control("set_pool", is_paused=True)
    await world.pipelines.start(train())
    await world.pipelines.cancel(ONE)
    await world.ended(ONE)
    assert await world.state(ONE) is PipelineState.CANCELLED


async def test_a_cancel_whose_answer_is_lost_may_be_repeated(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.fault(method="PATCH", kind="cut_after")
    with pytest.raises(UnavailableError):
        await world.pipelines.cancel(ONE)
    await world.pipelines.cancel(ONE)
    await world.ended(ONE)
    assert await world.state(ONE) is PipelineState.CANCELLED


async def test_a_restarted_bot_can_cancel(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.adapter(world.connect()).cancel(ONE)
    await world.ended(ONE)
    assert await world.state(ONE) is PipelineState.CANCELLED


async def test_without_the_right_to_stop_a_cancel_names_it(
    world: DevOpsWorld, without: Any
) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    without("Stop builds")
    with pytest.raises(AccessError, match="`Stop builds`"):
        await world.pipelines.cancel(ONE)


def test_the_identity_is_told_without_its_secret() -> None:
    assert names.BOT_IDENTITY in identity().words
