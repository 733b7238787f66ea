"""Going back to a checkpoint: lower rate, data behind the bad batch, exact over a later resume."""

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from tests.trainer.faults import (
    BadSteps,
    OnceBad,
    Photographer,
    attempt_at,
    equal,
    last_weights,
    with_callbacks,
)
from tests.trainer.small import context_of, read_progress, small_spec, write_colours
from trainer.attempt import Attempt
from trainer.bad_batches import FILE, Pass, suspects
from trainer.checkpoint import newest
from trainer.errors import DivergedError

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

BACK: Mapping[str, Any] = {
    "guard": {"nan": "rollback", "rollback_lr_factor": 0.5},
    "budget": {"steps": 24},
    "optim": {"lr": 0.01, "schedule": "constant", "warmup_fraction": 0.0},
    "checkpoint": {"every_steps": 6, "keep": 100},
    "eval": {"every_steps": 100},
}


class Reader(TrainerCallback):
    """Notes which bins each step learned from; the last time wins, as in the weights."""

    def __init__(self) -> None:
        self.seen: dict[int, list[int]] = {}
        self._rows: list[int] = []

    def follow(self, attempt: Attempt) -> None:
        guardian = attempt.trainer._guardian
        lets_pass = guardian.lets_pass

        def noted(seen: Any, passes: Any) -> Any:
            self.seen[seen.step] = [row for one in passes() for row in one.rows]
            return lets_pass(seen, passes)

        guardian.lets_pass = noted


def test_a_rollback_goes_on_from_the_checkpoint_at_a_lower_rate_with_later_data(
    tmp_path: Path,
) -> None:
    write_colours(tmp_path)
    context, photos = context_of(small_spec(**BACK), tmp_path), Photographer()
    attempt = with_callbacks(attempt_at(context), OnceBad([9]), photos)
    attempt.train()
    (line,) = [line for line in read_progress(context.output) if line.kind == "guard"]
    assert (line.step, line.action, line.back_to) == (9, "rolled_back", 6)
    assert photos.rates[6] == 0.01
    assert photos.rates[7] == photos.rates[24] == pytest.approx(0.005)
    found = newest(context.checkpoints)
    assert found is not None
    assert found[1].step == 24
    guard = found[1].totals.guard
    assert (guard.rollbacks, guard.ahead) == (1, 3)


def test_a_run_killed_after_a_rollback_goes_on_bit_by_bit(tmp_path: Path) -> None:
    """From a checkpoint behind the rollback, and from the one that it went back to."""
    write_colours(tmp_path)
    context = context_of(small_spec(**BACK), tmp_path)
    with_callbacks(attempt_at(context), OnceBad([9, 15])).train()
    wanted = last_weights(context.checkpoints / "step-00000024")
    for step in (6, 12, 18):
        folder = tmp_path / f"killed-{step}"
        folder.mkdir()
        shutil.copy(tmp_path / "colours.jsonl", folder)
        again = context_of(small_spec(**BACK), folder)
        name = f"step-{step:08d}"
        # What lay on disk when the process was killed: step 6 as it was before the rollback.
        shutil.copytree(context.checkpoints / name, again.checkpoints / name)
        left = [bad for bad in (9, 15) if bad > step]
        with_callbacks(attempt_at(again), OnceBad(left)).train()
        assert last_weights(again.checkpoints / "step-00000024") == wanted


def test_a_rollback_before_the_first_checkpoint_begins_at_step_0_behind_the_batch(
    tmp_path: Path,
) -> None:
    write_colours(tmp_path)
    context = context_of(small_spec(**BACK), tmp_path)
    with_callbacks(attempt_at(context), OnceBad([3])).train()
    (line,) = [line for line in read_progress(context.output) if line.kind == "guard"]
    assert (line.step, line.back_to) == (3, 0)
    found = newest(context.checkpoints)
    assert found is not None
    assert (found[1].step, found[1].totals.guard.ahead) == (24, 3)


def test_the_data_goes_on_behind_the_bad_batch(tmp_path: Path) -> None:
    """A step after the rollback reads what it would have read later without one."""
    write_colours(tmp_path)
    calm = Reader()
    attempt = attempt_at(context_of(small_spec(**BACK), tmp_path))
    calm.follow(attempt)
    attempt.train()
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(tmp_path / "colours.jsonl", folder)
    context, reader = context_of(small_spec(**BACK), folder), Reader()
    attempt = attempt_at(context)
    reader.follow(attempt)
    make = attempt._make_trainer

    def followed() -> Any:
        attempt.trainer = make()
        reader.follow(attempt)
        return attempt.trainer

    attempt._make_trainer = followed  # type: ignore[method-assign]
    with_callbacks(attempt, OnceBad([9])).train()
    assert {step: reader.seen[step] for step in range(1, 7)} == {
        step: calm.seen[step] for step in range(1, 7)
    }
    for step in range(7, 22):
        assert reader.seen[step] == calm.seen[step + 3]


def test_too_many_rollbacks_end_the_run_with_exit_code_3(tmp_path: Path) -> None:
    """A batch that is bad wherever the data goes on: the weights or the machine are at fault."""
    write_colours(tmp_path)
    changes = {**BACK, "guard": {"nan": "rollback", "max_rollbacks": 2}}
    context = context_of(small_spec(**changes), tmp_path)
    with pytest.raises(DivergedError, match="gone back to a checkpoint 2 times") as caught:
        with_callbacks(attempt_at(context), BadSteps([9])).train()
    assert caught.value.exit_code == 3
    lines = [line for line in read_progress(context.output) if line.kind == "guard"]
    assert [line.action for line in lines] == ["rolled_back", "rolled_back", "stopped"]


def test_the_rows_of_a_bad_batch_are_named_and_kept_out_of_the_progress(tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = small_spec(guard={"nan": "skip"}, budget={"steps": 6})
    context = context_of(spec, tmp_path)
    attempt_at(context, BadSteps([4])).train()
    (line,) = [line for line in read_progress(context.output) if line.kind == "guard"]
    assert line.rows_total > len(line.rows) == 8
    (entry,) = map(json.loads, (context.output / FILE).read_text("utf-8").splitlines())
    assert (entry["step"], entry["value"], entry["action"]) == (4, "nan", "skipped")
    written = (tmp_path / "colours.jsonl").read_text("utf-8").splitlines()
    for row in entry["rows"]:
        said = json.loads(written[row["line"] - 1])
        assert said["question"] in row["begins"]
    assert line.rows == tuple(f"colours.jsonl:{row['line']}" for row in entry["rows"][:8])
    assert "What colour" not in line.model_dump_json()


def test_the_pass_with_the_worst_loss_is_suspected_first() -> None:
    passes = [Pass(0.5, (1, 2)), Pass(math.nan, (3,)), Pass(0.9, (4, 1)), Pass(math.inf, (5,))]
    assert suspects(passes) == [3, 5, 4, 1, 2]


def test_weights_that_are_no_numbers_are_replaced_by_the_checkpoints(tmp_path: Path) -> None:
    class Poison(TrainerCallback):
        is_done = False

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 8 and not self.is_done:
                self.is_done = True
                with torch.no_grad():
                    next(kwargs["model"].parameters())[:] = math.nan

    write_colours(tmp_path)
    context, photos = context_of(small_spec(**BACK), tmp_path), Photographer()
    with_callbacks(attempt_at(context), Poison(), photos).train()
    assert all(bool(weight.isfinite().all()) for weight in photos.weights[24])
    assert not equal(photos.weights[24], photos.weights[23])
