"""A sweep becomes trials, and what contradicts itself is refused by name."""

from typing import Any

import pytest

from trainer.contract.faults import SpecError
from trainer.contract.sweep import (
    SweepGoal,
    SweepSpec,
    best_of,
    in_words,
    out_of_patience,
    read_sweep,
    trial_count,
    trial_specs,
)


def sweep(**changes: Any) -> SweepSpec:
    return read_sweep({"recipe": "tiny-sft", "vary": {"lr": [1e-3, 2e-3]}, **changes})


def refused(**changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        sweep(**changes)
    return str(caught.value)


def test_a_grid_has_every_combination() -> None:
    assert trial_count(sweep(vary={"lr": [1e-3, 2e-3, 5e-3], "seed": [0, 1]})) == 6
    stepped = {"steps": {"low": 10, "high": 30, "step": 10}}
    assert trial_count(sweep(vary=stepped)) == 3


def test_each_trial_is_a_spec_of_its_own_with_a_name_that_sorts() -> None:
    one, two = trial_specs(sweep(changes={"steps": 40}), [{"lr": 1e-3}, {"lr": 2e-3}])
    assert (one.name, two.name) == ("tiny-sft-01", "tiny-sft-02")
    assert (one.optim.lr, two.optim.lr) == (1e-3, 2e-3)
    assert one.budget.steps == two.budget.steps == 40


def test_a_long_name_gives_way_to_the_number() -> None:
    (one,) = trial_specs(sweep(changes={"name": "n" * 48}), [{"lr": 1e-3}])
    assert one.name == "n" * 45 + "-01"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vary": {"lrr": [1]}}, "no setting `lrr`; did you mean `lr`?"),
        ({"vary": {"lr": []}}, "lr: has an empty list of values"),
        ({"vary": {"lr": [1e-3, 1e-3]}}, "lr: names 0.001 more than once"),
        ({"vary": {"lr": [1e-3, 7.0]}}, "optim.lr: must be less than or equal to 1 (got 7"),
        ({"vary": {"lr": {"low": 1e-3, "high": 7}}, "how": "random", "trials": 3}, "(got 7"),
        ({"vary": {"lr": {"low": 1e-3, "high": 1e-2}}}, "add step, or how=random"),
        ({"vary": {"lr": {"low": 2, "high": 1}}}, "lr: low 2 must be less than high 1"),
        ({"vary": {"lr": {"low": "", "high": 1}}}, "lr: low must be a valid number"),
        ({"vary": {"optim.lr": "fast"}}, "optim.lr: must be a list of numbers"),
        ({"vary": {}}, "1 to 8 settings must vary"),
        ({"vary": {"lr": [1e-3], "optim.lr": [2e-3]}}, "`lr` is the same setting"),
        ({"changes": {"lr": 1e-3}}, "is changed and varied"),
        ({"vary": {"budget": [1, 2]}}, "cannot be varied"),
        ({"changes": {"budget": 2}}, "give it as budget.cost"),
        ({"how": "random"}, "how=random needs a number of trials"),
        ({"vary": {"seed": list(range(9))}, "trials": 4}, "the grid has 9 combinations"),
        ({"recipe": "tiny-stf"}, "did you mean `tiny-sft`?"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    assert said in refused(**changes)


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = refused(vary={"lrr": [1], "seed": [], "batch": [3]})
    assert "`lrr`" in said
    assert "seed: has an empty list" in said
    assert "tokens_per_step" in said


def test_values_that_do_not_go_together_are_named_by_their_trial() -> None:
    both = sweep(vary={"batch": [256, 1024], "max_length": [64, 256]})
    points = [{"batch": 256, "max_length": 256}, {"batch": 128, "max_length": 256}]
    with pytest.raises(SpecError, match=r"smaller than one sequence .*batch=128 max_length=256"):
        trial_specs(both, points)


def test_the_best_is_the_first_with_the_best_figure() -> None:
    figures = {"a": 2.0, "b": 1.5, "c": 1.5, "d": float("nan")}
    assert best_of(SweepGoal(), figures) == "b"
    assert best_of(SweepGoal(direction="maximize"), figures) == "a"
    assert best_of(SweepGoal(), {"d": float("nan")}) is None


def test_a_sweep_runs_out_of_patience_after_trials_that_bring_nothing() -> None:
    patient = sweep(patience=2)
    assert not out_of_patience(patient, [3.0, 2.0])
    assert not out_of_patience(patient, [3.0, 2.0, 2.5])
    assert out_of_patience(patient, [3.0, 2.0, 2.5, 2.0])
    assert not out_of_patience(sweep(), [3.0, 2.0, 2.5, 2.0])


def test_a_trial_is_said_as_it_would_be_typed() -> None:
    assert in_words({"lr": 0.001, "seed": 1}) == "lr=0.001 seed=1"
