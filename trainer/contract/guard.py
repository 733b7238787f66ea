"""The part `guard` of a spec: what is done about a step that goes wrong."""

from typing import Literal

from pydantic import Field

from trainer.contract.part import Part


class Guard(Part):
    """What is done about a step that goes wrong, before it has changed a weight."""

    nan: Literal["stop", "skip", "rollback"] = Field(
        default="stop",
        title="When a number is none",
        description="When loss or gradient is not a finite number: stop, skip the batch (the "
        "optimizer makes no step with it), or go back to the newest whole checkpoint and on with "
        "the data behind the batch, at a lower rate.",
    )
    max_loss: float | None = Field(
        default=None, gt=0, description="Stop when the loss passes this."
    )
    spike_z: float = Field(
        default=6.0,
        ge=2,
        le=1e6,
        title="Spike threshold",
        description="A step is a spike when its loss, or its gradient's norm, lies this many "
        "robust deviations above the median of up to 128 steps before; looked for from step 33.",
        json_schema_extra={"unit": "deviations"},
    )
    on_spike: Literal["report", "stop", "skip", "rollback"] = Field(
        default="report",
        title="On a spike",
        description="Report it, stop, skip the batch, or go back as for `nan`.",
    )
    max_skips: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        title="Most skipped batches",
        description="Stop when more batches than these would be skipped in the whole run.",
        json_schema_extra={"unit": "batches"},
    )
    max_rollbacks: int = Field(
        default=3,
        ge=1,
        le=1000,
        title="Most rollbacks",
        description="Stop when the run would go back to a checkpoint more often than this.",
    )
    rollback_lr_factor: float = Field(
        default=0.5,
        gt=0,
        le=1,
        title="Rate after a rollback",
        description="Each rollback multiplies the learning rate from there on by this.",
    )
    stall_s: float = Field(
        default=3600.0,
        ge=1,
        le=7 * 86_400,
        title="Longest standstill",
        description="End the process when no forward pass has ended for this long; more than an "
        "evaluation or a checkpoint takes.",
        json_schema_extra={"unit": "s"},
    )
