"""The part of a spec that says how a model learns from preferences, and what must fit to it."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from trainer.contract.part import Part

if TYPE_CHECKING:  # The whole spec holds this part.
    from trainer.contract.spec import RunSpec

# Those that compare answers with what the base model would have said.
PREFERENCE_METHODS = ("dpo", "kto")
# Sequences that the model reads for each row: both answers of a pair; an answer, and another one
# to the same question that measures how far the model has moved (KTO's KL term).
SEQUENCES_PER_ROW = 2


class Preference(Part):
    """How strongly better answers are preferred, and how near the base model the model stays.

    DPO: arXiv:2305.18290; KTO: arXiv:2402.01306.
    """

    beta: float = Field(
        default=0.1,
        gt=0,
        le=100,
        title="Beta",
        description="How much moving away from the base model costs: higher stays nearer.",
    )
    loss: Literal["sigmoid", "hinge", "ipo", "robust"] = Field(
        default="sigmoid",
        title="Loss",
        description="Of DPO. `hinge` stops at a margin (arXiv:2305.10425), `ipo` aims at one "
        "(arXiv:2310.12036), `robust` takes some labels for wrong (arXiv:2403.00409).",
    )
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=0.5,
        title="Wrong labels",
        description="The share of pairs whose answers are taken to be swapped; of `robust` alone.",
    )
    desirable_weight: float = Field(
        default=1.0, gt=0, le=100, title="Weight of good answers", description="Of KTO."
    )
    undesirable_weight: float = Field(
        default=1.0, gt=0, le=100, title="Weight of bad answers", description="Of KTO."
    )


def preference_fault(spec: "RunSpec") -> str | None:
    """Return what of the spec does not fit to learning from preferences, in a sentence."""
    if spec.method not in PREFERENCE_METHODS:
        if spec.preference == Preference():
            return None
        return (
            f"preference is for {' and '.join(PREFERENCE_METHODS)}; {spec.method} has no use of it"
        )
    return _unused(spec.method, spec.preference) or _missing(spec)


def _unused(method: str, preference: Preference) -> str | None:
    if method == "kto" and (preference.loss, preference.label_smoothing) != ("sigmoid", 0.0):
        return (
            "preference.loss and preference.label_smoothing are of dpo; kto has a loss of its own"
        )
    if method == "dpo" and {preference.desirable_weight, preference.undesirable_weight} != {1.0}:
        return "preference.desirable_weight and undesirable_weight are of kto; dpo has pairs"
    if preference.label_smoothing and preference.loss != "robust":
        return "preference.label_smoothing is of the loss robust: set preference.loss to robust"
    if preference.loss == "robust" and not preference.label_smoothing:
        return "the loss robust needs preference.label_smoothing, for example 0.1"
    return None


def _missing(spec: "RunSpec") -> str | None:
    method = spec.method
    if spec.model.source is None:
        return f"{method} compares with a base model: set model.source"
    if spec.data.loss_on == "all":
        return f"{method} compares answers only: leave data.loss_on at answers"
    least = SEQUENCES_PER_ROW * spec.data.max_length
    if spec.batch.tokens_per_step < least:
        return (
            f"batch.tokens_per_step {spec.batch.tokens_per_step} is smaller than one row of "
            f"{method} ({SEQUENCES_PER_ROW} sequences of data.max_length {spec.data.max_length})"
        )
    if spec.goal is not None and spec.goal.metric == "eval_perplexity":
        return f"{method} has no perplexity: set goal.metric to eval_loss"
    return None
