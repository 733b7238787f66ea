"""The spec's rule for ending training early."""

from pydantic import Field

from trainer.contract.part import Part

EVALUATIONS_PER_RUN = 10


class EarlyStop(Part):
    """End training when the held-out loss no longer falls; the best weights are the result."""

    patience: int = Field(
        gt=0,
        le=10_000,
        title="Patience",
        description="Judgings in a row (`eval.every_steps`) that may pass without a better loss.",
        json_schema_extra={"unit": "judgings"},
    )
    min_delta: float = Field(
        default=0.0,
        ge=0,
        le=1000,
        title="Least gain",
        description="A loss is better when it is lower than the best one by more than this.",
        json_schema_extra={"unit": "nats a token"},
    )


def judging_every(every_steps: int | None, steps: int) -> int:
    """Return after how many steps each the held-out rows are looked at."""
    return every_steps or max(1, steps // EVALUATIONS_PER_RUN)


def never_stops(rule: EarlyStop, every_steps: int | None, steps: int) -> str:
    """Return in a sentence why `rule` can have no effect in a run of `steps`, or nothing.

    The first judging is the best so far; the last step's comes when training is over.
    """
    every = judging_every(every_steps, steps)
    judgings = (steps - 1) // every
    if judgings > rule.patience:
        return ""
    return (
        f"early_stop.patience {rule.patience} cannot be used up: in {steps} steps the model is "
        f"judged {judgings} times before the end (every {every} steps, eval.every_steps)"
    )
