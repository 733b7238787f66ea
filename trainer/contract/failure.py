"""The ways a run can fail: each with its exit code, so that the bot can say cause and remedy."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class FailureKind(StrEnum):
    """Why a run ended without a result."""

    BAD_SPEC = "bad_spec"
    BAD_DATA = "bad_data"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    STALLED = "stalled"
    PREEMPTED = "preempted"
    BUG = "bug"


EXIT_CODES = {
    FailureKind.BAD_SPEC: 2,
    FailureKind.BAD_DATA: 2,
    FailureKind.DIVERGED: 3,
    FailureKind.OUT_OF_MEMORY: 4,
    FailureKind.DISK_FULL: 5,
    FailureKind.STALLED: 6,
    FailureKind.PREEMPTED: 75,
    FailureKind.BUG: 1,
}


class Failure(BaseModel):
    """A failure in words: what happened with the values, and what the person can do about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FailureKind
    message: str
    remedy: str
    step: int | None = None
