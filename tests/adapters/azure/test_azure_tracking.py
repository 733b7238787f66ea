"""AzureTracking where files are missing, out of reach, or all that there is."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.tracking import AzureTracking
from bot.errors import UnavailableError
from bot.ports import MetricsQuery
from tests.adapters.azure.ml_world import MlTracking, MlWorld
from tests.azure_twin import world as names
from tests.azure_twin.fixtures import RunningTwin

RUN = "run-20261123-cccccc"


@pytest.fixture
def world(azure: RunningTwin, tmp_path: Path) -> Iterator[MlTracking]:
    made = MlTracking(azure, tmp_path, RUN)
    yield made
    azure.control.clear_faults()
    made.close()


async def test_files_of_all_submissions_are_read_in_order(world: MlTracking) -> None:
    world.write_losses({1: 3.0, 2: 2.0})
    world.put("user_logs/std_log.txt", b"first\n")
    world.put("user_logs/std_log.txt", b"second\n", f"{RUN}-r2")
    seen = (await world.tracking.observe([RUN]))[RUN]
    assert (seen.step, seen.log_tail) == (2, ("first", "second"))


async def test_another_run_with_a_like_name_is_another_run(world: MlTracking) -> None:
    world.put("user_logs/std_log.txt", b"not ours\n", f"{RUN}x")
    assert await world.tracking.observe([RUN]) == {}


@pytest.mark.parametrize("name", ["../../etc/passwd", "promo-20261123-aaaaaa", "", "run-x"])
async def test_what_is_no_run_is_asked_of_nobody(world: MlTracking, name: str) -> None:
    before = world.asked()
    tracking = world.tracking
    assert await tracking.observe([name]) == {}
    assert await tracking.marks([name]) == {}
    assert (await tracking.log(name, 1, 5)).total == 0
    assert (await tracking.metrics(name, MetricsQuery())).series == ()
    assert [piece async for piece in tracking.read_log(name)] == []
    assert world.asked() == before


async def test_storage_that_is_away_is_told_and_the_next_look_reads(world: MlTracking) -> None:
    world.write_losses({1: 3.0})
    world.twin.control.fault(host="blob", method="GET", status=503, times=100)
    with pytest.raises(UnavailableError, match="read what the job wrote"):
        await world.tracking.observe([RUN])
    world.twin.control.clear_faults()
    assert (await world.tracking.observe([RUN]))[RUN].step == 1


async def test_a_blob_that_is_gone_leaves_what_was_read(world: MlTracking) -> None:
    world.write_losses({1: 3.0, 2: 2.0})
    await world.tracking.observe([RUN])
    for blob in world.container.list_blobs(name_starts_with=f"ExperimentRun/dcid.{RUN}/"):
        world.container.delete_blob(blob.name)
    assert (await world.tracking.observe([RUN]))[RUN].step == 2


async def test_a_disk_that_cannot_be_written_is_told(world: MlTracking, tmp_path: Path) -> None:
    (tmp_path / "mirror").write_text("in the way")
    world.write_losses({1: 3.0})
    with pytest.raises(UnavailableError, match="cannot be copied"):
        await world.tracking.observe([RUN])


async def test_many_readers_at_once_copy_each_byte_once(world: MlTracking, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(500)]
    world.write_log(lines)
    found = await asyncio.gather(*(world.tracking.log(RUN, 1, 1000) for _ in range(8)))
    assert {one.total for one in found} == {500}
    copied = (tmp_path / "mirror" / RUN / "log.txt").read_text().splitlines()
    assert copied == lines


async def test_a_page_is_served_from_copies_that_are_young_enough(
    world: MlTracking, tmp_path: Path
) -> None:
    world.write_losses({1: 3.0})
    patient = AzureTracking(tmp_path, world.workspace, lambda _: None, page_look_s=60)
    await patient.observe([RUN])
    before = world.asked()
    assert (await patient.metrics(RUN, MetricsQuery())).points > 0
    assert (await patient.marks([RUN]))[RUN].progress_bytes > 0
    assert world.asked() == before


class Job:
    """A real job of the twin, whose files we may or may not read."""

    def __init__(self, twin: RunningTwin, home: Path) -> None:
        self.world = MlWorld.on(twin, home)
        self.name = self.world.real("run-20261123-aaaaaa")
        self.tracking = AzureTracking(
            home, self.world.workspace, lambda _: self.name, page_look_s=0
        )

    async def start(self, command: str) -> None:
        self.world.COMMAND = command  # type: ignore[misc]
        self.world.submit("run-20261123-aaaaaa")
        await self.world.jobs.advance()

    def metric(self, key: str, value: float, step: int) -> None:
        """Log as the node does."""
        asked = self.world.mlflow(names.COMPUTE_IDENTITY)
        asked("runs/log-metric", run_id=self.name, key=key, value=value, step=step, timestamp=step)


@pytest.fixture
async def job(azure: RunningTwin, tmp_path: Path) -> Any:
    made = Job(azure, tmp_path)
    yield made
    azure.control.reset()
    await made.world.close()


async def test_a_job_without_files_is_told_by_its_record(job: Job) -> None:
    await job.start("sleep 60")
    for step in range(1, 6):
        job.metric("loss", 1 / step, step)
    job.metric("eval_loss", 0.5, 5)
    seen = (await job.tracking.observe([job.name]))[job.name]
    assert (seen.step, seen.loss, seen.eval_loss) == (5, 0.2, 0.5)
    assert "MLflow" in seen.note
    curves = await job.tracking.metrics(job.name, MetricsQuery(keys=("loss",)))
    assert curves.series[0].last == (1.0, 0.5, 1 / 3, 0.25, 0.2)


async def test_without_a_right_to_storage_logs_come_through_run_history(job: Job) -> None:
    await job.start("mkdir -p logs; echo hello from the node; sleep 60")
    rights = [
        "Microsoft.MachineLearningServices/workspaces/read",
        "Microsoft.MachineLearningServices/workspaces/*/read",
    ]
    job.world.twin.control.call("roles.set", client_id=names.BOT_IDENTITY, actions=rights)
    seen: tuple[str, ...] = ()
    for _ in range(200):
        found = await job.tracking.log(job.name, 1, 10)
        seen = tuple(found.lines)
        if seen:
            break
        await asyncio.sleep(0.1)
    assert seen == ("hello from the node",)
