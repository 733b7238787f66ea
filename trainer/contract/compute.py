"""The part of a spec that says which machine a run uses, and how its processes share the model."""

from typing import Literal

from pydantic import Field

from trainer.contract.part import Part


class Compute(Part):
    """Which machine; the policy file has its price."""

    sku: str = Field(default="local-cpu", min_length=1, max_length=64, title="Machine")
    nodes: int = Field(default=1, ge=1, le=64)
    priority: Literal["dedicated", "low"] = Field(
        default="dedicated",
        title="Priority",
        description="`low` is cheaper; the machine may be taken away, and the run goes on later.",
    )
    sharding: Literal["auto", "none", "full"] = Field(
        default="auto",
        title="Sharding",
        description="Share weights, gradients and optimizer states out among the processes of a "
        "run (FSDP2), or keep a copy in each (DDP); `auto` shares out what does not fit otherwise.",
    )
    activation_checkpointing: Literal["auto", "on", "off"] = Field(
        default="auto",
        title="Activation checkpointing",
        description="Compute activations again in the backward pass instead of keeping them: about "
        "a third more time for much less memory; `auto` does it where the model does not fit else.",
    )
