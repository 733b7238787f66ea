"""A run that no longer gets better ends by itself, and gives the best weights it had."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from safetensors.torch import load_file

from tests.trainer.small import context_of, read_progress, small_spec, write_colours
from trainer.attempt import attempt_of
from trainer.carrying_out import carry_out
from trainer.checkpoint import Totals, newest, step_folder
from trainer.contract.progress import ResultLine
from trainer.contract.recipe import expand, find_recipe
from trainer.contract.spec import RunSpec, canonical_json
from trainer.contract.stopping import EarlyStop
from trainer.data.gather import gather
from trainer.early_stop import Standing, after_judging, out_of_patience, why_ended
from trainer.loop import Ingredients
from trainer.outside import keep_checkpoint, restore

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

# A learning rate at which the small model forgets again what it has learned first.
TOO_FAST: dict[str, Any] = {"lr": 0.1, "schedule": "constant", "warmup_fraction": 0.0}


def judged(rule: EarlyStop, *losses: float) -> Standing:
    standing = Standing()
    for number, loss in enumerate(losses, start=1):
        standing = after_judging(standing, rule, step=10 * number, figures={"loss": loss})
    return standing


def stopping_spec(**changes: Any) -> RunSpec:
    """Return a spec that gets worse after a while, judged every 4 of its 40 steps."""
    return small_spec(
        **{
            "optim": TOO_FAST,
            "eval": {"every_steps": 4},
            "checkpoint": {"every_steps": 40, "keep": 1},
            "early_stop": {"patience": 2},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("losses", "best", "waited"),
    [
        ((3.0, 2.0, 1.0), 30, 0),
        ((3.0, 2.0, 2.0, 2.5), 20, 2),
        ((3.0, 2.95, 2.92), 10, 2),
        ((3.0, 2.95, 2.85), 30, 0),
    ],
)
def test_only_a_gain_above_the_least_one_counts(
    losses: tuple[float, ...], best: int, waited: int
) -> None:
    standing = judged(EarlyStop(patience=2, min_delta=0.1), *losses)
    assert (standing.step, standing.waited) == (best, waited)


def test_patience_ends_training_and_the_sentence_says_why() -> None:
    spec = stopping_spec()
    standing = judged(EarlyStop(patience=2), 3.0, 2.0, 2.1)
    assert not out_of_patience(spec, standing)
    assert why_ended(spec, standing, 1.0) == ""
    standing = judged(EarlyStop(patience=2), 3.0, 2.0, 2.1, 2.0)
    assert out_of_patience(spec, standing)
    said = "Stopped early: 2 judgings without a held-out loss below 2.0000 (step 20)."
    assert why_ended(spec, standing, 1.0) == said


def test_a_patience_that_a_run_cannot_use_up_is_refused() -> None:
    with pytest.raises(ValidationError, match="patience 9 cannot be used up: in 40 steps"):
        stopping_spec(early_stop={"patience": 9})
    assert stopping_spec(early_stop={"patience": 8}).early_stop == EarlyStop(patience=8)


def test_a_spec_without_early_stop_keeps_its_hash_and_a_word_sets_it() -> None:
    assert "early_stop" not in canonical_json(small_spec())
    spec = expand(find_recipe("tiny-sft"), {"patience": "2"})
    assert spec.early_stop == EarlyStop(patience=2)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ResultLine]:
    """Return the folder and the result of a run that has stopped early."""
    folder = tmp_path_factory.mktemp("early")
    write_colours(folder)
    context = context_of(stopping_spec(), folder)
    result = carry_out(context, gather(context.spec, folder), None)
    assert result is not None
    return folder, result


def test_a_run_that_gets_worse_ends_early_with_its_best_weights(
    ended: tuple[Path, ResultLine],
) -> None:
    folder, result = ended
    lines = read_progress(folder / "output")
    losses = {line.step: line.loss for line in lines if line.kind == "eval" and line.step}
    best = min(losses, key=lambda step: losses[step])
    assert (result.steps, result.best_step) == (best + 8, best)
    assert result.steps < 40
    assert result.eval_loss == losses[best]
    assert f"(step {best})" in result.ended
    assert result.ended in [line.note for line in lines if line.kind == "phase"]
    weights, kept = (
        load_file(path / "model.safetensors")
        for path in (
            folder / "output/model",
            step_folder(folder / "output/checkpoints", best),
        )
    )
    assert all(bool((weights[name] == kept[name]).all()) for name in weights)


def test_the_best_checkpoint_outlives_the_newer_ones(ended: tuple[Path, ResultLine]) -> None:
    folder, result = ended
    kept = sorted(path.name for path in (folder / "output/checkpoints").iterdir())
    assert kept == [f"step-{step:08d}" for step in (result.best_step, result.steps)]


def test_a_run_that_had_stopped_early_makes_no_further_step_when_started_again(
    ended: tuple[Path, ResultLine], tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(ended[0], folder)
    context = context_of(stopping_spec(), folder)
    again = carry_out(context, gather(context.spec, folder), None)
    assert again is not None
    before = ended[1]
    assert (again.steps, again.best_step, again.ended) == (
        before.steps,
        before.best_step,
        before.ended,
    )
    assert (again.eval_loss, again.model_sha256) == (before.eval_loss, before.model_sha256)


def test_an_interrupted_run_goes_on_waiting_where_it_was(tmp_path: Path) -> None:
    """The standing lies in the checkpoint: two halves stop where the whole stops."""
    write_colours(tmp_path)
    rule = {"patience": 3, "min_delta": 5.0}
    checkpoint = {"every_steps": 1, "keep": 40}
    spec = stopping_spec(early_stop=rule, checkpoint=checkpoint, optim={"lr": 0.01})
    context = context_of(spec, tmp_path)
    attempt = attempt_of(Ingredients(context, gather(spec, tmp_path), None))
    attempt.train()
    assert attempt.step == 16
    for step in range(11, 17):
        shutil.rmtree(step_folder(context.checkpoints, step))
    found = newest(context.checkpoints)
    assert found is not None
    assert found[1].totals.standing.waited == 1
    again = attempt_of(Ingredients(context, gather(spec, tmp_path), None))
    again.train()
    assert again.step == 16
    assert again.totals.standing == attempt.totals.standing


def test_a_damaged_best_checkpoint_leaves_the_last_weights_and_says_so(
    ended: tuple[Path, ResultLine], tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(ended[0], folder)
    best = step_folder(folder / "output/checkpoints", ended[1].best_step or 0)
    (best / "model.safetensors").write_bytes(b"cut short")
    context = context_of(stopping_spec(), folder)
    result = carry_out(context, gather(context.spec, folder), None)
    assert result is not None
    assert result.best_step is None
    assert result.eval_loss > ended[1].eval_loss
    notes = [line.note for line in read_progress(folder / "output") if line.kind == "phase"]
    assert any("is damaged: the last weights stay" in note for note in notes)


def test_a_new_node_gets_the_best_checkpoint_with_the_newest(
    ended: tuple[Path, ResultLine], tmp_path: Path
) -> None:
    here, keep = ended[0] / "output/checkpoints", tmp_path / "keep"
    best, last = ended[1].best_step, ended[1].steps
    for step in (best, last):
        assert step is not None
        assert keep_checkpoint(step_folder(here, step), keep, most=1, best=best)
    restore(keep, tmp_path / "node")
    kept = sorted(path.name for path in (tmp_path / "node").iterdir())
    assert kept == [f"step-{step:08d}" for step in (best, last)]


def test_adapters_go_back_to_their_best_too(ended: tuple[Path, ResultLine], tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = stopping_spec(
        model={"source": str(ended[0] / "output/model")},
        tuning={"kind": "lora", "r": 4},
        optim={**TOO_FAST, "lr": 0.3},
    )
    context = context_of(spec, tmp_path)
    base = ended[0] / "output/model"
    result = carry_out(context, gather(spec, tmp_path), base)
    assert result is not None
    lines = read_progress(tmp_path / "output")
    losses = {line.step: line.loss for line in lines if line.kind == "eval" and line.step}
    assert result.best_step is not None
    assert result.eval_loss == losses[result.best_step] == min(losses.values())


def test_totals_of_a_checkpoint_from_before_are_read() -> None:
    assert Totals.model_validate({"tokens": 3, "train_s": 1.0}).standing == Standing()
