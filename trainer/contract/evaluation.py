"""How a run judges its model: held-out rows, samples to read, tasks of lm-eval."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from trainer.contract.part import Part


def _names_from_words(given: Any) -> Any:
    """Return the names of a text with commas, as people type it in chat; else what was given."""
    if not isinstance(given, str):
        return given
    return [name.strip() for name in given.split(",") if name.strip()]


Tasks = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    BeforeValidator(_names_from_words),
]


class Evaluation(Part):
    """Loss on rows never trained on, sample answers to read, and tasks of lm-eval."""

    every_steps: int | None = Field(default=None, gt=0, description="Empty: ten times a run.")
    max_rows: int = Field(default=200, gt=0, le=1_000_000)
    prompts: tuple[str, ...] = Field(default=(), max_length=8)
    sample_tokens: int = Field(default=48, gt=0, le=2048)
    tasks: Tasks = Field(
        default=(),
        max_length=8,
        title="Tasks",
        description="Tasks of lm-eval for the trained model: `python-qa-choice`, or the path of a "
        "task's YAML file in the working directory. Nothing is fetched from a hub.",
    )
    compare_base: bool = Field(
        default=False,
        title="Compare with the base model",
        description="Answer the tasks before training too, so that their figures stand side by "
        "side; loss and samples always do.",
    )
