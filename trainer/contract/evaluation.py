"""How a run judges its model: held-out rows, samples to read, tasks of lm-eval."""

from typing import Annotated

from pydantic import Field

from trainer.contract.part import Part


class Evaluation(Part):
    """Loss on rows never trained on, sample answers to read, and tasks of lm-eval."""

    every_steps: int | None = Field(default=None, gt=0, description="Empty: ten times a run.")
    max_rows: int = Field(default=200, gt=0, le=1_000_000)
    prompts: tuple[str, ...] = Field(default=(), max_length=8)
    sample_tokens: int = Field(default=48, gt=0, le=2048)
    tasks: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
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
