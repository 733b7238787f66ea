"""The part of a spec that says on which machine, and how its arithmetic is done there."""

from typing import Literal

from pydantic import Field, model_validator

from trainer.contract.compiling import COMPILED_METHODS
from trainer.contract.methods import SHARDED_METHODS
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
    compile: Literal["auto", "on", "off"] = Field(
        default="auto",
        title="Compile",
        description="Compile the model's blocks: half a minute at the start for faster steps; "
        "`auto` does it from about a million tokens on, or where the compiled code is kept.",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto",
        title="Precision",
        description="What matrices are multiplied in; weights and optimizer stay in fp32. `auto` "
        "takes bf16 where the machine has it in hardware and the model is wide enough to gain.",
    )

    @model_validator(mode="after")
    def _compiles_whole_models(self) -> "Compute":
        if self.compile == "on" and self.sharding == "full":
            raise ValueError(
                "compute.compile on and compute.sharding full do not go together: a model that is "
                "shared out is not compiled; set one of them to auto"
            )
        return self


def method_fault(compute: Compute, method: str) -> str | None:
    """Return in a sentence what this method cannot do on any machine."""
    if compute.sharding == "full" and method not in SHARDED_METHODS:
        return (
            f"compute.sharding full is offered for {' and '.join(SHARDED_METHODS)}, not for "
            f"{method}: set it to none or auto"
        )
    if compute.compile == "on" and method not in COMPILED_METHODS:
        return (
            f"compute.compile on is offered for {' and '.join(COMPILED_METHODS)}, not for "
            f"{method}: set it to off or auto"
        )
    return None
