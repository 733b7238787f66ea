"""The number that a run is to reach, on any figure that its model is judged by."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from pydantic import Field, model_validator

from trainer.contract.part import Part
from trainer.contract.progress import ResultLine, curve_of

HELD_OUT = "eval_"
WORDS = {"eval_loss": "evaluation loss", "eval_perplexity": "perplexity"}


class Goal(Part):
    """What the requester wants to reach; the alert's verdict."""

    metric: str = Field(
        default="eval_loss",
        pattern=r"^(eval_[a-z0-9_]+|[^/\s]+/[^/\s]+)$",
        max_length=200,
        title="Goal's figure",
        description="`eval_loss`, `eval_perplexity`, another figure of the method (`eval_accuracy` "
        "of dpo), or that of a task in eval.tasks: `python-qa-choice/acc`.",
    )
    below: float | None = Field(
        default=None, gt=0, title="Goal", description="The figure is to be less than this."
    )
    at_least: float | None = Field(
        default=None,
        title="Goal, at least",
        description="The figure is to be this or more: for accuracies, in place of below.",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> "Goal":
        if (self.below is None) == (self.at_least is None):
            raise ValueError("give exactly one of below and at_least")
        return self


class Judged(Protocol):
    """A result, the trainer's own or as the bot has seen it."""

    @property
    def eval_loss(self) -> float: ...
    @property
    def eval_perplexity(self) -> float | None: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


def figures_of(result: Judged) -> dict[str, float]:
    """Return all that the model was judged by, under the names of the curves."""
    found = {"eval_loss": result.eval_loss}
    if result.eval_perplexity is not None:
        found["eval_perplexity"] = result.eval_perplexity
    return found | {curve_of(name): value for name, value in result.metrics.items()}


def is_reached(goal: Goal, result: Judged) -> bool | None:
    """Return whether the result is as good as the goal asks; None without that figure."""
    value = figures_of(result).get(goal.metric)
    if value is None:
        return None
    if goal.below is not None:
        return value < goal.below
    assert goal.at_least is not None
    return value >= goal.at_least


def against_goal(result: ResultLine, goal: Goal | None) -> ResultLine:
    """Return the result with what it says of the goal."""
    if goal is None:
        return result
    said = {"goal": goal_in_words(goal, result), "goal_reached": is_reached(goal, result)}
    return result.model_copy(update=said)


def goal_in_words(goal: Goal, result: Judged) -> str:
    """Return `Goal reached: perplexity 9.41, goal below 10`, or that there is no such figure."""
    name = WORDS.get(goal.metric, goal.metric)
    value, reached = figures_of(result).get(goal.metric), is_reached(goal, result)
    if value is None:
        return f"Goal not judged: there is no {name}"
    wanted = f"below {goal.below:g}" if goal.below is not None else f"at least {goal.at_least:g}"
    # Three digits for accuracies: 0.714 is below 0.72.
    shown = f"{value:.2f}" if goal.metric in WORDS else f"{value:.3g}"
    return f"Goal {'reached' if reached else 'missed'}: {name} {shown}, goal {wanted}"


def task_fault(goal: Goal | None, tasks: Sequence[str]) -> str:
    """Return in a sentence that no task can give the goal's figure; empty where one may."""
    if goal is None or "/" not in goal.metric or tasks:
        return ""
    return f"goal.metric {goal.metric} is the figure of a task: name it in eval.tasks"


def unknown_figure(goal: Goal, known: Collection[str]) -> str:
    """Return in a sentence that the run has no such figure; empty where it has."""
    if goal.metric in known:
        return ""
    there = ", ".join(sorted(known))
    return f"goal.metric {goal.metric} is no figure of this run. It is judged by: {there}."
