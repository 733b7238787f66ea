"""A run that goes wrong stops before a weight is touched, and says why."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.faults import BadSteps, Photographer, attempt_at, equal
from tests.trainer.small import SMALL, context_of, read_progress, small_spec, write_colours
from trainer.carrying_out import carry_out
from trainer.checkpoint import Totals, newest
from trainer.data.gather import gather
from trainer.errors import BadSpecError, DivergedError, PreemptedError, failure_of
from trainer.guardian import Guardian
from trainer.guarding import Observation

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


class Poison(TrainerCallback):
    """Makes one weight not a number after the second step, as a bad kernel would."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 2:
            with torch.no_grad():
                next(kwargs["model"].parameters())[:] = math.nan


def test_a_nan_stops_the_run_before_the_optimizer_spreads_it(tmp_path: Path) -> None:
    write_colours(tmp_path)
    attempt = attempt_at(context_of(small_spec(), tmp_path))
    attempt.trainer.add_callback(Poison())
    with pytest.raises(DivergedError, match="loss became nan at step 3"):
        attempt.train()
    embedding, *others = attempt.trainer.model.parameters()
    assert embedding.isnan().all()
    assert not any(weight.isnan().any() for weight in others)


def test_a_loss_above_the_limit_stops_the_run_with_exit_code_3(tmp_path: Path) -> None:
    write_colours(tmp_path)
    context = context_of(small_spec(guard={"max_loss": 1.0}), tmp_path)
    with pytest.raises(DivergedError) as caught:
        carry_out(context, gather(context.spec, tmp_path), None)
    assert caught.value.exit_code == 3
    assert caught.value.step == 1
    assert "above the limit guard.max_loss 1" in str(caught.value)


def test_a_skipped_batch_changes_neither_weights_nor_the_optimizer(tmp_path: Path) -> None:
    """Weight decay and momentum would move them by a gradient of zero; the schedule goes on."""
    write_colours(tmp_path)
    optim = {"lr": 0.01, "weight_decay": 0.1}
    spec = small_spec(guard={"nan": "skip"}, budget={"steps": 12}, optim=optim)
    context, photos = context_of(spec, tmp_path), Photographer()
    attempt_at(context, BadSteps([7]), photos).train()
    assert equal(photos.weights[7], photos.weights[6])
    assert equal(photos.moments[7], photos.moments[6])
    assert not equal(photos.weights[8], photos.weights[7])
    assert photos.rates[8] < photos.rates[7] < photos.rates[6]
    lines = read_progress(context.output)
    (line,) = [line for line in lines if line.kind == "guard"]
    assert (line.step, line.event, line.action) == (7, "loss_not_finite", "skipped")
    assert all(line.step != 7 for line in lines if line.kind == "step")


def test_a_run_of_bad_batches_stops_once_too_many_are_skipped(tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = small_spec(guard={"nan": "skip", "max_skips": 2}, budget={"steps": 12})
    with pytest.raises(DivergedError, match="2 batches had been skipped before") as caught:
        attempt_at(context_of(spec, tmp_path), BadSteps([4, 6, 8])).train()
    assert caught.value.step == 8
    assert caught.value.exit_code == 3


def test_a_spike_is_skipped_where_the_spec_says_so(tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = small_spec(guard={"on_spike": "skip"})
    context, photos = context_of(spec, tmp_path), Photographer()
    attempt_at(context, BadSteps([36], factor=-30.0), photos).train()
    assert equal(photos.weights[36], photos.weights[35])
    (line,) = [line for line in read_progress(context.output) if line.kind == "guard"]
    assert (line.step, line.action) == (36, "skipped")
    assert line.z is not None
    assert line.z > 6


@pytest.mark.parametrize(
    ("loss", "norm", "said"),
    [
        (math.nan, 1.0, "loss became nan"),
        (math.inf, 1.0, "loss became inf"),
        (1.0, math.nan, "gradient became nan"),
    ],
)
def test_each_number_that_is_none_is_refused_with_its_step(
    tmp_path: Path, loss: float, norm: float, said: str
) -> None:
    guardian = Guardian(context_of(small_spec(), tmp_path), Totals(), None)
    with pytest.raises(DivergedError, match=f"{said} at step 7") as caught:
        guardian.lets_pass(Observation(7, loss, norm), list)
    assert "lower learning rate" in caught.value.remedy


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    """Transformers keeps fresh weights where names do not fit, and only warns."""
    write_colours(tmp_path)
    attempt_at(context_of(small_spec(budget={"steps": 2}), tmp_path)).train()
    config = {**SMALL["model"]["config"], "layers": 3}
    deeper = context_of(small_spec(model={"config": config}), tmp_path)
    with pytest.raises(BadSpecError, match="of another model"):
        attempt_at(deeper).train()
    wider = context_of(small_spec(model={"config": {**config, "hidden_size": 64}}), tmp_path)
    with pytest.raises(BadSpecError, match="of another model"):
        attempt_at(wider).train()


def test_a_time_limit_ends_training_early_with_a_result(tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = small_spec(budget={"steps": 100_000, "hours": 0.5 / 3600})
    context = context_of(spec, tmp_path)
    result = carry_out(context, gather(spec, tmp_path), None)
    assert 0 < result.steps < 100_000
    assert (context.model_folder / "model.safetensors").is_file()


def test_a_stop_before_training_is_resumable_and_leaves_nothing(tmp_path: Path) -> None:
    write_colours(tmp_path)
    context = context_of(small_spec(), tmp_path)
    context.stop.signal_name = "SIGTERM"
    with pytest.raises(PreemptedError, match="Nothing had been trained"):
        carry_out(context, gather(context.spec, tmp_path), None)
    assert newest(context.checkpoints) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out_of_memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "out_of_memory"),
        (OSError(28, "No space left on device"), "disk_full"),
        (OSError(27, "File too large"), "disk_full"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing file"), "disk_full"),
        (KeyError("secret"), "bug"),
    ],
)
def test_what_libraries_raise_becomes_a_kind_of_failure(error: Exception, kind: str) -> None:
    failure = failure_of(error)
    assert failure.kind == kind
    assert failure.remedy
    assert "secret" not in failure.message


def test_a_full_disk_ends_with_exit_code_5_and_no_half_checkpoint(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    """100 kB a file hold progress and cache, and neither weights nor the optimizer's state."""
    env = {"KRSP_WORKDIR": str(small_run.home)}
    output = tmp_path / "output"
    done = trainer("run", small_run.spec, "--output", output, env=env, file_bytes=100_000)
    failure = read_progress(output)[-1]
    assert done.code == 5, done.errors
    assert failure.kind == "failure"
    assert failure.failure.kind == "disk_full"
    assert list((output / "checkpoints").iterdir()) == []
    assert not (output / "model").exists()
