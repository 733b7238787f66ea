"""A run that goes wrong stops before a weight is touched, and says why."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.small import context_of, read_progress, small_spec, write_colours
from trainer.attempt import Attempt, attempt_of, carry_out
from trainer.checkpoint import newest
from trainer.context import Context
from trainer.data.gather import gather
from trainer.errors import DivergedError, PreemptedError, failure_of
from trainer.loop import Ingredients
from trainer.watched import check_step

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


class Poison(TrainerCallback):
    """Makes one weight not a number after the second step, as a bad kernel would."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 2:
            with torch.no_grad():
                next(kwargs["model"].parameters())[:] = math.nan


def attempt_at(context: Context) -> Attempt:
    return attempt_of(Ingredients(context, gather(context.spec, context.workdir), None))


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


@pytest.mark.parametrize(
    ("loss", "norm", "said"),
    [
        (math.nan, 1.0, "loss became nan"),
        (math.inf, 1.0, "loss became inf"),
        (1.0, math.nan, "gradient became nan"),
    ],
)
def test_each_number_that_is_none_is_refused_with_its_step(
    loss: float, norm: float, said: str
) -> None:
    with pytest.raises(DivergedError, match=f"{said} at step 7") as caught:
        check_step(small_spec(), step=7, loss=loss, grad_norm=norm)
    assert "lower learning rate" in caught.value.remedy


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
