"""What a run leaves behind: a whole model, or what was learned beside its base."""

from pydantic import Field

from trainer.contract.part import Part


class Export(Part):
    """How the trained model is written."""

    merge: bool = Field(
        default=True,
        title="Merge adapters",
        description="Add adapters (LoRA) to the base model's weights: the result is a whole model. "
        "Without, it is the adapter alone, which is loaded together with its base model, and can "
        "be neither promoted nor built on here.",
    )
