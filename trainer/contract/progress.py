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
    """One optimizer step ended. Losses in nats a token; `tokens` counts real ones since step 0.

    `mfu` is the share of the devices' peak that training makes use of, 0 to 1, None where the peak
    or the model's arithmetic is not known. Memory is that of the first process: its GPU's, else its
    own. `epoch` is the position in the data, `sources` the tokens that were read of each source of
    a mixture; a rollback leaves both where they are, as the data goes on.
    """

    kind: Literal["step"] = "step"
    step: int
    total: int
    loss: float
    lr: float
    grad_norm: float | None = None
    tokens: int
    tokens_per_s: float
    eta_s: float
    mfu: float | None = None
    memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    epoch: float | None = None
    sources: dict[str, int] = {}

    @property
    def memory_gb(self) -> float | None:
        """Return `memory_bytes` as a curve shows it."""
        return None if self.memory_bytes is None else self.memory_bytes / 1e9

    @property
    def peak_memory_gb(self) -> float | None:
        """Return `peak_memory_bytes` as a curve shows it."""
        return None if self.peak_memory_bytes is None else self.peak_memory_bytes / 1e9


class EvalLine(_Line):
    """The model was judged on rows that it never trained on.

    `loss` is the method's own: only where it is in nats a token there is a perplexity. `metrics`
    are the method's further figures by name, and those of tasks as `<task>/<metric>`.
    """

    kind: Literal["eval"] = "eval"
    step: int
    loss: float
    perplexity: float | None = None
    metrics: dict[str, float] = {}


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
    """A later attempt goes on from a checkpoint; steps after it are written again.

    `lost_*` is how far at least the attempt before had come beyond it.
    """

    kind: Literal["resume"] = "resume"
    step: int
    exact: bool
    note: str = ""
    lost_steps: int = 0
    lost_tokens: int = 0
    lost_s: float = 0.0


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


GuardEvent = Literal[
    "loss_not_finite", "gradient_not_finite", "loss_limit", "loss_spike", "gradient_spike"
]
GuardAction = Literal["reported", "stopped", "skipped", "rolled_back"]


class GuardLine(_Line):
    """A step stood out, and this was done about it before it changed a weight.

    `value` is the loss in nats or the gradient's norm, None where it is no finite number; `z` how
    many robust deviations it lay above the steps before; `rows` where the batch's first rows came
    from (file and line), of `rows_total`; `back_to` the step of the checkpoint that the run goes
    back to.
    """

    kind: Literal["guard"] = "guard"
    step: int
    event: GuardEvent
    value: float | None
    z: float | None = None
    action: GuardAction
    rows: tuple[str, ...] = ()
    rows_total: int = 0
    back_to: int | None = None


class ResultLine(_Line):
    """The run is over and good. `model` is relative to the output folder.

    `model_sha256` is over the names and contents of its files: promotion refuses any other model.
    `ended` is a sentence when training ended before its planned steps; `best_step` is the step
    whose weights the model has, where they are not the last ones.
    `metrics` are the last evaluation's, `first_metrics` those from before training, where known.
    Where a model was only judged, there are no steps, and what is first is its base model's or,
    without one, its own. `goal` says in words how the result stands to the spec's goal, where there
    is one.
    """

    kind: Literal["result"] = "result"
    steps: int
    tokens: int
    train_s: float
    loss: float
    eval_loss: float
    eval_perplexity: float | None = None  # none where the loss is not in nats a token
    first_eval_loss: float
    peak_memory_bytes: int
    model: str
    model_sha256: str = ""
    ended: str = ""
    best_step: int | None = None
    metrics: dict[str, float] = {}
    first_metrics: dict[str, float] = {}
    goal: str = ""
    goal_reached: bool | None = None
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
    | GuardLine
    | ResultLine
    | FailureLine,
    Field(discriminator="kind"),
]
PROGRESS: TypeAdapter[ProgressLine] = TypeAdapter(ProgressLine)


def read_line(text: str | bytes) -> ProgressLine:
    """Return the line's value. Raises pydantic's `ValidationError` for anything else."""
    return PROGRESS.validate_json(text)


def curve_of(metric: str) -> str:
    """Return what the curve of one of `EvalLine.metrics` is called: a task's as it is."""
    return metric if "/" in metric else f"eval_{metric}"


_EVENTS: dict[GuardEvent, str] = {
    "loss_not_finite": "loss is no finite number",
    "gradient_not_finite": "gradient is no finite number",
    "loss_limit": "loss above its limit",
    "loss_spike": "loss spike",
    "gradient_spike": "gradient spike",
}
_ACTIONS: dict[GuardAction, str] = {
    "reported": "nothing was done about it",
    "stopped": "training stopped",
    "skipped": "batch skipped",
    "rolled_back": "back to the checkpoint",
}


def resume_note(line: ResumeLine) -> str:
    """Return what changed and what was lost, in sentences."""
    if not line.lost_steps:
        return line.note
    steps = "1 step" if line.lost_steps == 1 else f"{line.lost_steps:,} steps"
    lost = f"{steps} ({line.lost_tokens:,} tokens, {line.lost_s:,.0f} s) had been made beyond it."
    return f"{lost} {line.note}".rstrip()


def guard_sentence(line: GuardLine) -> str:
    """Return `Step 120: loss spike (z 9.1), batch skipped.`: what the guard found and did."""
    z = f" (z {line.z:.1f})" if line.z is not None else ""
    back = f" of step {line.back_to:,} at a lower rate" if line.back_to is not None else ""
    return f"Step {line.step:,}: {_EVENTS[line.event]}{z}, {_ACTIONS[line.action]}{back}."
