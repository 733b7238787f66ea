"""A run that is stopped and started again ends where the uninterrupted one ends."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.small import process_environment, read_progress, small_spec
from trainer.checkpoint import MANIFEST, newest, read_manifest

PATIENCE_S = 200


def environment(home: Path) -> dict[str, str]:
    return {"KRSP_HOME": str(home), "KRSP_WORKDIR": str(home), "MLFLOW_TRACKING_URI": "off:none"}


def wait_for_training(output: Path, process: subprocess.Popen[str]) -> None:
    """Return once a step is in the progress file; not every step gets a line."""
    until = time.monotonic() + PATIENCE_S
    file = output / "progress.jsonl"
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        if file.exists() and '"kind":"step"' in file.read_text():
            return
        time.sleep(0.005)
    pytest.fail("training did not begin")


@pytest.fixture(scope="module")
def stopped(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return the output of a run that got SIGTERM in its training, and its exit code."""
    output = tmp_path_factory.mktemp("stopped") / "output"
    command = [sys.executable, "-m", "trainer", "run", str(small_run.spec), "--output", str(output)]
    process = subprocess.Popen(
        command,
        env=process_environment(environment(small_run.home)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_training(output, process)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)  # A second one changes nothing.
        process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    return output, process.returncode


def test_sigterm_saves_a_checkpoint_of_the_last_step_and_says_resumable(
    stopped: tuple[Path, int],
) -> None:
    output, code = stopped
    lines = read_progress(output)
    last = lines[-1]
    assert code == 75
    assert last.kind == "failure"
    assert last.failure.kind == "preempted"
    assert "SIGTERM" in last.failure.message
    found = newest(output / "checkpoints")
    assert found is not None
    assert found[1].step == last.failure.step
    assert 1 <= found[1].step < 40


def test_the_resumed_run_has_the_weights_and_losses_of_the_uninterrupted_one(
    stopped: tuple[Path, int], small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    shutil.copytree(stopped[0], output)
    env = {**environment(small_run.home), "KRSP_ATTEMPT": "2"}
    done = trainer("run", small_run.spec, "--output", output, env=env)
    assert done.code == 0, done.errors
    ours, theirs = (
        load_file(path / "model/model.safetensors") for path in (output, small_run.output)
    )
    assert ours.keys() == theirs.keys()
    assert "not recorded in MLflow" in done.errors
    assert all(bool((ours[name] == theirs[name]).all()) for name in ours)
    lines = read_progress(output)
    (resumed,) = [line for line in lines if line.kind == "resume"]
    assert (resumed.exact, resumed.attempt, resumed.note) == (True, 2, "")
    losses = {line.step: line.loss for line in small_run.of("step")}
    again = {line.step: line.loss for line in lines if line.kind == "step" and line.attempt == 2}
    shared = losses.keys() & again.keys()
    assert shared
    assert {step: losses[step] for step in shared} == {step: again[step] for step in shared}
    (result,) = [line for line in lines if line.kind == "result"]
    assert result.tokens == small_run.of("result")[0].tokens
    assert result.first_eval_loss == small_run.of("result")[0].first_eval_loss


def test_a_finished_run_started_again_only_writes_its_model_anew(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    """Another spec in the same folder is told to be no exact continuation."""
    output = tmp_path / "output"
    shutil.copytree(small_run.output, output)
    shutil.rmtree(output / "model")
    spec = tmp_path / "spec.json"
    spec.write_text(small_spec(name="renamed").model_dump_json())
    done = trainer("run", spec, "--output", output, env=environment(small_run.home))
    assert done.code == 0, done.errors
    ours, theirs = (
        load_file(path / "model/model.safetensors") for path in (output, small_run.output)
    )
    assert all(bool((ours[name] == theirs[name]).all()) for name in ours)
    (resumed,) = [line for line in read_progress(output) if line.kind == "resume"]
    assert (resumed.exact, resumed.step) == (False, 40)
    assert "the spec" in resumed.note


def damage_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def remove_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def cut_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"step": 4')


def cut_optimizer(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes((folder / "optimizer.pt").read_bytes()[:1000])


def add_a_file_that_a_library_would_load(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder / "adapter_model.safetensors")


def pass_for_a_later_step(folder: Path) -> None:
    folder.rename(folder.with_name("step-00000099"))


def name_a_file_outside(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    files = {**manifest.files, "../step-00000030/config.json": "0" * 64}
    changed = manifest.model_copy(update={"files": files})
    (folder / MANIFEST).write_text(changed.model_dump_json())


@pytest.mark.parametrize(
    "harm",
    [
        damage_weights,
        remove_manifest,
        cut_manifest,
        cut_optimizer,
        add_a_file_that_a_library_would_load,
        pass_for_a_later_step,
        name_a_file_outside,
    ],
)
def test_a_checkpoint_that_is_not_whole_gives_way_to_the_one_before(
    small_run: SmallRun, tmp_path: Path, harm: Any
) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(small_run.output / "checkpoints", folder)
    harm(folder / "step-00000040")
    found = newest(folder)
    assert found is not None
    assert found[1].step == 30
