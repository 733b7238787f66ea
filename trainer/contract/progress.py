"""Progress as JSON lines: what the trainer appends to `progress.jsonl`, and others read."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from trainer.contract.failure import Failure


class Phase(StrEnum):
    """What the trainer is busy with."""

    DATA = "data"
    TRAIN = "train"
    EVALUATE = "evaluate"
    EXPORT = "export"


class _Line(BaseModel):
    """Every line says when it was written (Unix seconds) and by which attempt (1, 2, ...)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: float
    attempt: int = 1


class PhaseLine(_Line):
    """A phase began."""

    kind: Literal["phase"] = "phase"
    phase: Phase
    note: str = ""


class StepLine(_Line):
    """One optimizer step ended. Losses in nats a token; `tokens` counts real ones since step 0."""

    kind: Literal["step"] = "step"
    step: int
    total: int
    loss: float
    lr: float
    grad_norm: float | None = None
    tokens: int
    tokens_per_s: float
    eta_s: float


class EvalLine(_Line):
    """The model was judged on rows that it never trained on."""

    kind: Literal["eval"] = "eval"
    step: int
    loss: float
    perplexity: float


class SampleLine(_Line):
    """The model answered a prompt."""

    kind: Literal["sample"] = "sample"
    step: int
    prompt: str
    text: str


class CheckpointLine(_Line):
    """A whole checkpoint lies on disk; `path` is relative to the output folder."""

    kind: Literal["checkpoint"] = "checkpoint"
    step: int
    path: str


class ResumeLine(_Line):
    """A later attempt goes on from a checkpoint; steps after it are written again."""

    kind: Literal["resume"] = "resume"
    step: int
    exact: bool
    note: str = ""


class DataLine(_Line):
    """What the data turned out to be; tokens after tokenizing, rows before and after the checks."""

    kind: Literal["data"] = "data"
    sha256: str
    rows: int
    rows_kept: int
    rows_eval: int
    tokens: int
    trained_tokens: int
    longest: int
    note: str = ""


class ResultLine(_Line):
    """The run is over and good. `model` is relative to the output folder.

    `model_sha256` is over the names and contents of its files: promotion refuses any other model.
    """

    kind: Literal["result"] = "result"
    steps: int
    tokens: int
    train_s: float
    loss: float
    eval_loss: float
    eval_perplexity: float
    first_eval_loss: float
    peak_memory_bytes: int
    model: str
    model_sha256: str = ""
    mlflow_run_id: str | None = None


class FailureLine(_Line):
    """The run is over and not good."""

    kind: Literal["failure"] = "failure"
    failure: Failure


ProgressLine = Annotated[
    PhaseLine
    | StepLine
    | EvalLine
    | SampleLine
    | CheckpointLine
    | ResumeLine
    | DataLine
    | ResultLine
    | FailureLine,
    Field(discriminator="kind"),
]
PROGRESS: TypeAdapter[ProgressLine] = TypeAdapter(ProgressLine)


def read_line(text: str | bytes) -> ProgressLine:
    """Return the line's value. Raises pydantic's `ValidationError` for anything else."""
    return PROGRESS.validate_json(text)
