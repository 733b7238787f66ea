"""What is seen of a run in Azure Pipelines: its stages, its approvals, its fault and its log."""

from bot.domain.run import PipelineState
from tests.adapters.azure.devops_world import DevOpsWorld
from tests.adapters.local.workbench import until
from tests.adapters.pipeline_requests import ONE, PROMO, promote, train
from tests.azure_twin import world as names


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


async def test_a_refused_approval_is_the_fault(world: DevOpsWorld) -> None:
    await world.pipelines.start(promote())
    await until(lambda: _waits(world), "the approval")
    (run,) = await world.runs()
    await world.control("approve", run=run["id"], person="Megan Bowen", status="rejected")
    await world.ended(PROMO)
    seen = await world.seen(PROMO)
    assert seen is not None
    assert seen.fault == "The approval of stage Deploy was not given."


async def test_who_must_approve_is_left_out_when_it_may_not_be_asked(world: DevOpsWorld) -> None:
    await world.fault(path="/approvals", kind="status", status=403, times=1000)
    await world.pipelines.start(promote())
    await until(lambda: _waits(world), "the approval")
    seen = await world.seen(PROMO)
    assert seen is not None
    assert "Deploy waits for an approval: https://" in seen.waits_for[0]


async def _waits(world: DevOpsWorld) -> bool:
    seen = await world.seen(PROMO)
    return seen is not None and bool(seen.waits_for)


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
