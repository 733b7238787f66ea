"""A goal on any figure: refused where it can never be told, and told where it can."""

from typing import Any

import pytest

from tests.trainer.small import context_of, small_spec, write_colours
from trainer.carrying_out import carry_out
from trainer.contract.goal import Goal, against_goal, goal_in_words, is_reached
from trainer.contract.progress import ResultLine
from trainer.contract.recipe import expand, find_recipe
from trainer.contract.spec import canonical_json
from trainer.data.gather import gather
from trainer.errors import BadSpecError

RESULT = ResultLine(
    at=0,
    steps=1,
    tokens=1,
    train_s=1,
    loss=2,
    eval_loss=2.25,
    eval_perplexity=9.49,
    first_eval_loss=3,
    peak_memory_bytes=1,
    model="model",
    metrics={"accuracy": 0.714, "quiz/acc": 0.5},
)


@pytest.mark.parametrize(
    ("goal", "reached", "said"),
    [
        ({"below": 2.5}, True, "Goal reached: evaluation loss 2.25, goal below 2.5"),
        ({"below": 2.25}, False, "Goal missed: evaluation loss 2.25, goal below 2.25"),
        (
            {"metric": "eval_perplexity", "below": 9.5},
            True,
            "Goal reached: perplexity 9.49, goal below 9.5",
        ),
        (
            {"metric": "eval_accuracy", "at_least": 0.72},
            False,
            "Goal missed: eval_accuracy 0.714, goal at least 0.72",
        ),
        ({"metric": "quiz/acc", "at_least": 0.5}, True, "Goal reached: quiz/acc 0.5, goal at"),
        ({"metric": "quiz/f1", "at_least": 0.5}, None, "Goal not judged: there is no quiz/f1"),
    ],
)
def test_a_result_is_held_against_any_figure(
    goal: dict[str, Any], reached: bool | None, said: str
) -> None:
    asked = Goal.model_validate(goal)
    assert is_reached(asked, RESULT) is reached
    assert goal_in_words(asked, RESULT).startswith(said)
    assert against_goal(RESULT, asked).goal_reached is reached


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({}, "exactly one of below and at_least"),
        ({"below": 2, "at_least": 1}, "exactly one of below and at_least"),
        ({"metric": "accuracy", "at_least": 1}, "metric"),
        ({"metric": "quiz/acc", "at_least": 1}, r"name it in eval\.tasks"),
    ],
)
def test_a_goal_without_one_bound_and_one_figure_is_refused(
    goal: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        small_spec(goal=goal)


def test_a_figure_that_the_run_does_not_have_is_refused_before_training(tmp_path: Any) -> None:
    write_colours(tmp_path)
    context = context_of(small_spec(goal={"metric": "eval_accuracy", "at_least": 0.5}), tmp_path)
    with pytest.raises(BadSpecError, match="judged by: eval_loss, eval_perplexity") as caught:
        carry_out(context, gather(context.spec, tmp_path), None)
    assert caught.value.exit_code == 2


def test_a_persons_bound_takes_the_place_of_the_recipes() -> None:
    changes = {"goal.metric": "python-qa-choice/acc", "goal.at_least": "0.4"}
    spec = expand(find_recipe("tiny-sft"), changes | {"eval.tasks": "python-qa-choice, mine.yaml"})
    assert spec.eval.tasks == ("python-qa-choice", "mine.yaml")
    assert spec.goal == Goal(metric="python-qa-choice/acc", at_least=0.4)
    assert expand(find_recipe("tiny-sft"), {"goal": "3"}).goal == Goal(below=3)


def test_a_goal_from_before_there_were_two_bounds_keeps_its_text() -> None:
    assert '"goal":{"below":4.5,"metric":"eval_loss"}' in canonical_json(
        small_spec(goal={"metric": "eval_loss", "below": 4.5})
    )
    assert "export" not in canonical_json(small_spec())
