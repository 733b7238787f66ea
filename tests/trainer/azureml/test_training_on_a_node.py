"""A small run on a node of the twin's cluster, submitted, trained, taken away, and seen."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.data import AzureData
from bot.adapters.azure.jobs import AzureJobs
from bot.adapters.azure.tracking import AzureTracking
from bot.domain.run import JobSeen, JobState
from bot.errors import InputError, NotFoundError
from bot.ports import MetricsQuery
from tests.adapters.azure.ml_world import ENTRIES, ml_module, workspace_of
from tests.adapters.local.workbench import until
from tests.azure_twin.fixtures import RunningTwin
from tests.trainer.small import write_colours
from trainer.azureml.errors import RefusedError
from trainer.azureml.submit import Submitter
from trainer.contract.azure_job import Tag
from trainer.contract.failure import FailureKind
from trainer.contract.spec import RunSpec

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("submit_environment")]

MakeSpec = Callable[..., RunSpec]
PATIENCE_S = 240.0


class Bench:
    """The bot's adapters, and the pipeline's way to submit."""

    def __init__(self, twin: RunningTwin, home: Path, code: tuple[Path, str]) -> None:
        self.twin, self.home, self._code = twin, home, code
        self.submitter = Submitter.of(os.environ)
        self.workspace = workspace_of(twin)
        self.jobs = AzureJobs(self.workspace, ENTRIES)
        self.tracking = AzureTracking(home, self.workspace, self.jobs.job_of, page_look_s=0)
        self.data = AzureData(self.workspace)

    def submit(self, spec: RunSpec, name: str) -> None:
        folder, sha256 = self._code
        self.submitter.submit(spec, name, folder, code_sha256=sha256)

    async def look(self, name: str) -> JobSeen:
        return (await self.jobs.observe([name]))[name]

    async def until(self, name: str, holds: Callable[[JobSeen], bool]) -> JobSeen:
        seen = await self.look(name)

        async def is_so() -> bool:
            nonlocal seen
            seen = await self.look(name)
            return holds(seen)

        await until(is_so, f"{name} to change, last {seen}", within_s=PATIENCE_S)
        return seen

    async def checkpoint(self, run_id: str) -> None:
        """Wait for the run's first checkpoint."""

        async def is_kept() -> bool:
            await self.look(run_id)
            progress = (await self.tracking.observe([run_id])).get(run_id)
            return progress is not None and progress.last_checkpoint_step is not None

        await until(is_kept, f"a checkpoint of {run_id}", within_s=PATIENCE_S)

    async def over(self, name: str) -> JobSeen:
        return await self.until(name, lambda seen: seen.ended_at is not None)

    def register(self, path: Path, name: str, **tags: str) -> None:
        entities = ml_module().entities
        asset = entities.Data(name=name, version="1", path=str(path), type="uri_file", tags=tags)
        self.submitter.client.data.create_or_update(asset)


@pytest.fixture
def bench(azure: RunningTwin, tmp_path: Path, code: tuple[Path, str]) -> Any:
    azure.control.call("jobs.pace", seconds=0.05)
    made = Bench(azure, tmp_path / "home", code)
    yield made
    made.workspace.close()


async def test_a_run_on_a_data_asset_is_trained_seen_and_fetched(
    bench: Bench, azure_spec: MakeSpec, tmp_path: Path
) -> None:
    run_id = "run-20261125-aaaaaa"
    path = write_colours(tmp_path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    bench.register(path, "colours", **{Tag.DATA_SHA256: sha256})
    found = await bench.data.find("azureml:colours")
    assert found is not None
    assert (found.uri, found.sha256) == ("azureml:colours:1", sha256)
    bench.submit(azure_spec(data={"train": {"uri": found.uri, "sha256": sha256}}), run_id)

    seen = await bench.over(run_id)
    log = await bench.tracking.log(run_id, -30, 30)
    assert seen.state is JobState.SUCCEEDED, "\n".join(log.lines)
    assert (seen.attempt, seen.exit_code, seen.busy_s > 0) == (1, 0, True)

    progress = (await bench.tracking.observe([run_id]))[run_id]
    assert (progress.step, progress.total, progress.failure) == (40, 40, None)
    assert progress.result is not None
    assert progress.last_checkpoint_step == 40
    curve = await bench.tracking.metrics(run_id, MetricsQuery(keys=("loss",)))
    assert curve.last_step == 40
    assert any("held-out loss" in line or "done:" in line for line in log.lines)

    files = {file.path: file.bytes for file in await bench.jobs.results(run_id)}
    assert {"model/model.safetensors", "report.json", "samples.json"} <= set(files)
    assert {"model-card.md", "data-card.md"} <= set(files)
    assert json.loads(await _read(bench, run_id, "report.json"))["steps"] == 40
    weights = await _read(bench, run_id, "model/model.safetensors")
    assert len(weights) == files["model/model.safetensors"] > 0
    for beginning in ("report", "model/", "model/model", ""):
        with pytest.raises(NotFoundError):
            await _read(bench, run_id, beginning)

    assert not [line for line in log.lines if "MLflow" in line]
    record = await bench.workspace.ask("read", lambda _: bench.tracking._mlflow.run(run_id))
    assert record.status == "FINISHED"
    assert record.metrics["loss"][0] == 40
    assert record.tags[Tag.ATTEMPT] == "1"


async def _read(bench: Bench, name: str, path: str) -> bytes:
    return b"".join([piece async for piece in bench.jobs.read_result(name, path)])


async def test_a_run_builds_on_the_model_of_another(bench: Bench, azure_spec: MakeSpec) -> None:
    first, second = "run-20261125-bbbbbb", "run-20261125-cccccc"
    short = {"budget": {"steps": 4}, "checkpoint": {"every_steps": 2}}
    bench.submit(azure_spec(**short), first)
    assert (await bench.over(first)).state is JobState.SUCCEEDED
    tuned = {"tuning": {"kind": "lora", "r": 2}, "model": {"source": f"run:{first}"}}
    bench.submit(azure_spec(**short, **tuned), second)
    seen = await bench.over(second)
    assert seen.state is JobState.SUCCEEDED, seen.log_tail


async def test_two_nodes_train_one_model_and_one_of_them_speaks(
    bench: Bench, azure_spec: MakeSpec
) -> None:
    run_id = "run-20261125-hhhhhh"
    short = {"budget": {"steps": 20}, "checkpoint": {"every_steps": 10}}
    bench.submit(azure_spec(compute={"nodes": 2}, **short), run_id)
    seen = await bench.over(run_id)
    log = await bench.tracking.log(run_id, -30, 30)
    assert seen.state is JobState.SUCCEEDED, "\n".join(log.lines)
    metrics = await bench.tracking.metrics(run_id, MetricsQuery(keys=("loss", "eval_loss")))
    loss, eval_loss = metrics.series
    assert metrics.last_step == 20
    # The loss is that of both nodes' tokens: of the size that the held-out rows have.
    assert loss.last[-1] is not None
    assert eval_loss.last[-1] is not None
    assert 0.7 < loss.last[-1] / eval_loss.last[-1] < 1.4
    progress = (await bench.tracking.observe([run_id]))[run_id]
    assert progress.last_checkpoint_step == 20
    assert progress.result is not None


async def test_a_node_that_is_taken_away_is_a_second_attempt_from_the_checkpoint(
    bench: Bench, azure_spec: MakeSpec
) -> None:
    run_id = "run-20261125-dddddd"
    bench.submit(azure_spec(budget={"steps": 400}, checkpoint={"every_steps": 20}), run_id)
    await bench.checkpoint(run_id)
    bench.twin.control.call("job.preempt", name=run_id, grace_s=10)
    await bench.until(run_id, lambda seen: seen.attempt == 2)
    seen = await bench.over(run_id)
    assert (seen.state, seen.attempt) == (JobState.SUCCEEDED, 2), seen.log_tail
    metrics = await bench.tracking.metrics(run_id, MetricsQuery(keys=("loss",)))
    assert metrics.last_step == 400
    resumed = [mark for mark in metrics.marks if mark.kind == "resume"]
    assert len(resumed) == 1
    assert resumed[0].step >= 20
    assert "exactly" in resumed[0].text


async def test_a_resubmission_goes_on_where_the_first_job_left_off(
    bench: Bench, azure_spec: MakeSpec
) -> None:
    run_id = "run-20261125-eeeeee"
    again = f"{run_id}-r2"
    spec = azure_spec(budget={"steps": 300}, checkpoint={"every_steps": 20})
    bench.submit(spec, run_id)
    await bench.checkpoint(run_id)
    await bench.jobs.cancel(run_id)
    assert (await bench.over(run_id)).state is JobState.CANCELLED
    bench.submit(spec, again)
    seen = await bench.over(again)
    assert (seen.state, seen.attempt) == (JobState.SUCCEEDED, 1), seen.log_tail
    metrics = await bench.tracking.metrics(run_id, MetricsQuery(keys=("loss",)))
    assert metrics.last_step == 300
    assert [mark.kind for mark in metrics.marks].count("resume") == 1


async def test_bad_data_is_told_by_the_trainer_in_tags_and_files(
    bench: Bench, azure_spec: MakeSpec, tmp_path: Path
) -> None:
    run_id = "run-20261125-ffffff"
    path = tmp_path / "bad.jsonl"
    path.write_text('{"question": 1}\n')
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    bench.register(path, "bad", **{Tag.DATA_SHA256: sha256})
    bench.submit(azure_spec(data={"train": {"uri": "azureml:bad:1", "sha256": sha256}}), run_id)
    seen = await bench.over(run_id)
    assert (seen.state, seen.exit_code, seen.is_lost) == (JobState.FAILED, 2, False)
    assert seen.fault is not None
    assert "azureml:bad:1, line 1" in seen.fault
    assert seen.log_tail
    failure = (await bench.tracking.observe([run_id]))[run_id].failure
    assert failure is not None
    assert failure.kind is FailureKind.BAD_DATA


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("data/x.jsonl", "is a file that a job in Azure cannot read"),
        ("azureml:nothing-of-that-name", "is no data asset of the workspace"),
        ("azureml:a/b", "is no name of a data asset"),
        ("azureml:unhashed:1", "has no tag `krsp.sha256`"),
    ],
)
async def test_data_that_no_job_could_read_is_refused_in_chat(
    bench: Bench, tmp_path: Path, uri: str, said: str
) -> None:
    bench.register(write_colours(tmp_path), "unhashed")
    with pytest.raises(InputError, match=said):
        await bench.data.find(uri)


async def test_data_that_has_changed_since_is_refused_at_submission(
    bench: Bench, azure_spec: MakeSpec, tmp_path: Path
) -> None:
    bench.register(write_colours(tmp_path), "changed", **{Tag.DATA_SHA256: "1" * 64})
    train = {"uri": "azureml:changed:1", "sha256": "2" * 64}
    with pytest.raises(RefusedError, match="is not the data that was approved"):
        bench.submit(azure_spec(data={"train": train}), "run-20261125-gggggg")


async def test_each_source_of_a_mixture_is_an_input_of_the_job(
    bench: Bench, azure_spec: MakeSpec, tmp_path: Path
) -> None:
    run_id = "run-20261125-kkkkkk"
    sources = {}
    for name, rows in (("train", 60), ("mix", 100)):
        (tmp_path / name).mkdir()
        path = write_colours(tmp_path / name, rows=rows, answer=f"From {name}: {{}}.")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        bench.register(path, f"colours-{name}", **{Tag.DATA_SHA256: sha256})
        sources[name] = {"uri": f"azureml:colours-{name}:1", "sha256": sha256}
    mix = [{**sources["mix"], "weight": 0.5}, {"uri": "builtin:python-qa", "weight": 0.01}]
    short = {"budget": {"steps": 2}, "checkpoint": {"every_steps": 2}}
    bench.submit(azure_spec(data={"train": sources["train"], "mix": mix}, **short), run_id)
    seen = await bench.over(run_id)
    log = "\n".join((await bench.tracking.log(run_id, -40, 40)).lines)
    assert seen.state is JobState.SUCCEEDED, log
    assert re.search(r"colours-train:1: (\d+) of \1 rows, .*colours-mix:1: [45]\d of 9\d rows", log)

    changed = {"train": sources["train"], "mix": [{**sources["mix"], "sha256": "2" * 64}]}
    with pytest.raises(RefusedError, match="colours-mix:1 is not the data that was approved"):
        bench.submit(azure_spec(data=changed), "run-20261125-llllll")
