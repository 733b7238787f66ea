"""Wherever a run is killed, going on from what lies on disk gives the same bits at its end."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.faults import Photographer, equal
from tests.trainer.small import (
    COLOURS,
    context_of,
    process_environment,
    read_progress,
    small_spec,
    write_colours,
)
from trainer.attempt import attempt_of
from trainer.checkpoint import newest, step_folder
from trainer.context import Context
from trainer.contract.spec import RunSpec
from trainer.data.gather import gather
from trainer.loop import Ingredients

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

STEPS, EVERY = 12, 3
PATIENCE_S = 250
COMMON: Mapping[str, Any] = {
    # Four forward passes in a step, and less than six steps in an epoch.
    "batch": {"tokens_per_step": 512, "micro_tokens": 128},
    "budget": {"steps": STEPS},
    "optim": {"lr": 0.01, "weight_decay": 0.1},
    "eval": {"every_steps": 6, "prompts": []},
    "checkpoint": {"every_steps": EVERY, "keep": 100},
}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "pretrain": {"method": "pretrain", "data": {"train": {"uri": "text.txt"}, "max_length": 64}},
    "sft, packed": {},
    "lora with dropout": {"tuning": {"kind": "lora", "r": 4, "dropout": 0.3}},
}


@dataclass(frozen=True)
class Whole:
    """An uninterrupted run: where its checkpoints lie, and its state at the end."""

    spec: RunSpec
    folder: Path
    base: Path | None
    context: Context
    end: Photographer
    losses: dict[int, float]


def carry_on(spec: RunSpec, folder: Path, base: Path | None) -> tuple[Context, Photographer]:
    context, photos = context_of(spec, folder, say=lambda _: None), Photographer()
    attempt = attempt_of(Ingredients(context, gather(spec, folder), base))
    attempt.trainer.add_callback(photos)
    attempt.train()
    return context, photos


def losses_of(context: Context) -> dict[int, float]:
    return {line.step: line.loss for line in read_progress(context.output) if line.kind == "step"}


def write_data(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_colours(folder, rows=80)
    lines = (f"Thing {n} is {COLOURS[n % 5]}, and was so before.\n\n" for n in range(220))
    (folder / "text.txt").write_text("".join(lines))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model to fine-tune; what it knows does not matter."""
    folder = tmp_path_factory.mktemp("base")
    write_data(folder)
    context = context_of(small_spec(), folder, say=lambda _: None)
    attempt = attempt_of(Ingredients(context, gather(context.spec, folder), None))
    attempt.trainer.model.save_pretrained(folder / "model")
    attempt.loop.tokenizer.save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module", params=list(WAYS))
def whole(request: pytest.FixtureRequest, base: Path, tmp_path_factory: Any) -> Whole:
    changes: dict[str, Any] = {**COMMON, **WAYS[request.param]}
    is_lora = "tuning" in changes
    if is_lora:
        changes["model"] = {"source": str(base)}
    spec, folder = small_spec(**changes), tmp_path_factory.mktemp("whole")
    write_data(folder)
    start = base if is_lora else None
    context, photos = carry_on(spec, folder, start)
    return Whole(spec, folder, start, context, photos, losses_of(context))


def test_from_every_checkpoint_the_run_ends_with_the_same_bits(
    whole: Whole, tmp_path: Path, record_property: Any
) -> None:
    """Killed at any moment, the newest of these checkpoints is what is left."""
    for step in range(EVERY, STEPS, EVERY):
        folder = tmp_path / str(step)
        write_data(folder)
        there = step_folder(folder / "output" / "checkpoints", step)
        shutil.copytree(step_folder(whole.context.checkpoints, step), there)
        context, photos = carry_on(whole.spec, folder, whole.base)
        (resumed,) = [line for line in read_progress(context.output) if line.kind == "resume"]
        assert (resumed.step, resumed.exact) == (step, True)
        for later in range(step + 1, STEPS + 1):
            assert equal(photos.weights[later], whole.end.weights[later]), (step, later)
            assert equal(photos.moments[later], whole.end.moments[later]), (step, later)
            assert photos.rates[later] == whole.end.rates[later]
        again = losses_of(context)
        shared = again.keys() & whole.losses.keys()
        assert {at: again[at] for at in shared} == {at: whole.losses[at] for at in shared}
        count = sum(weight.numel() for weight in photos.weights[STEPS])
        print(f"from step {step}: {STEPS - step} steps, {count} weights, 0 differ")  # noqa: T201


def test_a_run_killed_by_sigkill_ends_with_the_same_weights(base: Path, tmp_path: Path) -> None:
    """Killed in mid-step, twice, wherever it happens to be; then it runs to its end."""
    write_data(tmp_path)
    spec = small_spec(**COMMON)
    _, photos = carry_on(spec, tmp_path, None)
    home = tmp_path / "killed"
    write_data(home)
    (home / "spec.json").write_text(spec.model_dump_json())
    output = home / "output"
    for saved in (1, 2):
        process = start(home)
        until = time.monotonic() + PATIENCE_S
        while len(list(output.glob("checkpoints/step-*/manifest.json"))) < saved:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
    process = start(home)
    said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    found = newest(output / "checkpoints")
    assert found is not None
    optimizer = torch.load(found[0] / "optimizer.pt", weights_only=True)["state"]
    moments = [value for each in optimizer.values() for value in each.values()]
    assert equal(moments, photos.moments[STEPS])
    resumed = [line.step for line in read_progress(output) if line.kind == "resume"]
    print(f"killed twice, resumed after steps {resumed}: 0 differ")  # noqa: T201


def start(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "trainer", "run", str(home / "spec.json")]
    # Sums of another number of threads round differently.
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    env = {"KRSP_WORKDIR": str(home), "MLFLOW_TRACKING_URI": "off:none", **threads}
    return subprocess.Popen(
        [*command, "--output", str(home / "output")],
        env=process_environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_deterministic_runs_have_the_same_bits(tmp_path: Path) -> None:
    deterministic = torch.are_deterministic_algorithms_enabled()
    spec = small_spec(**COMMON, deterministic=True)
    try:
        ends = []
        for name in ("one", "other"):
            write_data(tmp_path / name)
            _, photos = carry_on(spec, tmp_path / name, None)
            assert torch.are_deterministic_algorithms_enabled()
            ends.append(photos)
    finally:
        torch.use_deterministic_algorithms(deterministic)
    for step in range(1, STEPS + 1):
        assert equal(ends[0].weights[step], ends[1].weights[step])
