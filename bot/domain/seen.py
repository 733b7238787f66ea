"""What pipeline, job and trainer said of a run, and what machines there are."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from trainer.contract.failure import Failure
from trainer.contract.progress import Phase


class PipelineState(StrEnum):
    """What a pipeline run, a stage or a step is doing."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    LOST = "lost"


ENDED_PIPELINE = frozenset(
    {
        PipelineState.SUCCEEDED,
        PipelineState.FAILED,
        PipelineState.CANCELLED,
        PipelineState.SKIPPED,
        PipelineState.LOST,
    }
)


@dataclass(frozen=True)
class StageSeen:
    """One stage of the pipeline."""

    name: str
    state: PipelineState
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class PipelineSeen:
    """What the pipeline said; `fault` and `log_tail` speak of the step that failed."""

    state: PipelineState
    stages: tuple[StageSeen, ...] = ()
    failed_step: str | None = None
    fault: str | None = None
    log_tail: tuple[str, ...] = ()
    url: str | None = None
    waits_for: tuple[str, ...] = ()  # what somebody must decide elsewhere first, in words


class JobState(StrEnum):
    """What the job is doing."""

    ABSENT = "absent"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED_JOB = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True)
class JobSeen:
    """What the machine said. `position` counts from 1 while waiting; `busy_s` sums all attempts.

    `is_lost`: it failed by the platform's doing rather than its own, so trying again may help.
    """

    state: JobState
    attempt: int = 1
    position: int | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    busy_s: float = 0.0
    fault: str | None = None
    log_tail: tuple[str, ...] = ()
    why_waiting: str = ""
    url: str | None = None
    is_lost: bool = False


@dataclass(frozen=True)
class ClusterSeen:
    """Machines of one kind. `busy` of `most` nodes work; `quota` nodes more could be had, if known.

    `waiting` counts the jobs that were accepted and have no node yet.
    """

    name: str
    sku: str
    priority: str
    most: int
    busy: int
    idle: int
    waiting: int
    quota: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Point:
    """One value of a curve."""

    step: int
    value: float


@dataclass(frozen=True)
class ResultSeen:
    """What a good run reached; losses in nats a token."""

    steps: int
    tokens: int
    train_s: float
    loss: float
    eval_loss: float
    eval_perplexity: float | None  # none where the loss is not in nats a token
    first_eval_loss: float
    peak_memory_bytes: int
    model: str
    model_sha256: str = ""  # over the model's files; empty from a trainer that did not say it
    ended: str = ""  # why training ended before its planned steps, in a sentence
    best_step: int | None = None  # whose weights the model has, where they are not the last ones
    metrics: dict[str, float] = field(default_factory=dict)  # the method's, `<task>/<metric>`
    first_metrics: dict[str, float] = field(default_factory=dict)  # before training, where known


@dataclass(frozen=True)
class Readings:
    """How the newest step used the machine, and where in the data it was.

    `mfu` is a share of the machine's peak, 0 to 1, None where that is not known; `epoch` says how
    often the data was read; `sources` the tokens read of each source of a mixture.
    """

    mfu: float | None = None
    memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    epoch: float | None = None
    sources: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleSeen:
    """What the model wrote when prompted."""

    step: int
    prompt: str
    text: str


@dataclass(frozen=True)
class ProgressSeen:
    """What the trainer said so far; `curve` is the loss's trend in at most 40 points."""

    phase: Phase | None = None
    note: str = ""
    step: int = 0
    total: int = 0
    loss: float | None = None
    first_loss: float | None = None
    eval_loss: float | None = None
    tokens: int = 0
    tokens_per_s: float | None = None
    eta_s: float | None = None
    last_checkpoint_step: int | None = None
    curve: tuple[Point, ...] = ()
    samples: tuple[SampleSeen, ...] = ()
    result: ResultSeen | None = None
    failure: Failure | None = None
    log_tail: tuple[str, ...] = ()
    readings: Readings | None = None
    warning: str = ""  # what the guard last found odd about a step, and did about it


@dataclass(frozen=True)
class Seen:
    """What pipeline, job and tracking said when we last looked."""

    pipeline: PipelineSeen | None = None
    job: JobSeen | None = None
    progress: ProgressSeen | None = None
    at: datetime | None = None

    @property
    def result(self) -> ResultSeen | None:
        """Return what the trainer reached, once it has said so."""
        return self.progress.result if self.progress else None
