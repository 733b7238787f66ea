"""Decide when training ends before its planned steps, and which step's weights are the best."""

from pydantic import BaseModel, ConfigDict

from trainer.contract.spec import RunSpec
from trainer.contract.stopping import EarlyStop


class Standing(BaseModel):
    """The best judging so far, and how many came after it; it is part of every checkpoint.

    `loss` is that of the held-out rows after `step`; `figures` are all that the judging gave.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int | None = None
    figures: dict[str, float] = {}
    waited: int = 0

    @property
    def loss(self) -> float:
        """Return the best loss; only asked for once there is one."""
        return self.figures["loss"]


def after_judging(
    standing: Standing, rule: EarlyStop, *, step: int, figures: dict[str, float]
) -> Standing:
    """Return the standing with one more judging; only a gain above `min_delta` is a new best.

    The model before training does not take part: its weights are the base model's.
    """
    if standing.step is None or figures["loss"] < standing.loss - rule.min_delta:
        return Standing(step=step, figures=figures)
    return standing.model_copy(update={"waited": standing.waited + 1})


def out_of_patience(spec: RunSpec, standing: Standing) -> bool:
    """Return whether too many judgings in a row brought nothing."""
    return spec.early_stop is not None and standing.waited >= spec.early_stop.patience


def out_of_time(spec: RunSpec, train_s: float) -> bool:
    """Return whether the seconds of training, over all attempts, have used up `budget.hours`."""
    return spec.budget.hours is not None and train_s >= spec.budget.hours * 3600


def why_ended(spec: RunSpec, standing: Standing, train_s: float) -> str:
    """Return in a sentence why training ended before its planned steps; empty if nothing did."""
    if out_of_patience(spec, standing):
        rule = spec.early_stop
        assert rule is not None
        by = f" by more than {rule.min_delta:g}" if rule.min_delta else ""
        times = f"{rule.patience} judgings" if rule.patience > 1 else "1 judging"
        return (
            f"Stopped early: {times} without a held-out loss below {standing.loss:.4f} "
            f"(step {standing.step}){by}."
        )
    if out_of_time(spec, train_s):
        return f"Stopped at the time limit of {spec.budget.hours:g} h (budget.hours)."
    return ""
