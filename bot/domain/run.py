"""A run and its three facts: what people wish, what was seen, what is known of its plan."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.people import Person, Thread
from trainer.contract.failure import Failure
from trainer.contract.progress import Phase
from trainer.contract.spec import RunSpec


class RunStatus(StrEnum):
    """The only list of states; rails, badges and the like are views of it."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    PREPARING = "preparing"
    WAITING = "waiting"
    TRAINING = "training"
    EVALUATING = "evaluating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Return whether nothing can follow."""
        return self in FINAL


FINAL = frozenset(
    {
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
        RunStatus.REJECTED,
        RunStatus.EXPIRED,
    }
)


@dataclass(frozen=True)
class Decision:
    """What an approver said, once."""

    by: Person
    at: datetime
    approved: bool
    reason: str = ""


@dataclass(frozen=True)
class Approval:
    """A question to another person, bound to one frozen spec.

    `key` is the opaque id that the approval card carries; it opens nothing by itself.
    """

    key: str
    spec_sha256: str
    why: str
    asked_at: datetime
    expires_at: datetime
    may_decide: tuple[str, ...] = ()  # words for the people who can: "an approver or an admin"
    decision: Decision | None = None


@dataclass(frozen=True)
class Cancel:
    """A wish that the run ends early; `by` is None when the system asks (a cost limit)."""

    by: Person | None
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Wish:
    """What people want of a run."""

    approval: Approval | None = None
    cancel: Cancel | None = None


class PipelineState(StrEnum):
    """What a pipeline run, a stage or a step is doing."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    LOST = "lost"


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
    eval_perplexity: float
    first_eval_loss: float
    peak_memory_bytes: int
    model: str


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


@dataclass(frozen=True)
class Seen:
    """What pipeline, job and tracking said when we last looked."""

    pipeline: PipelineSeen | None = None
    job: JobSeen | None = None
    progress: ProgressSeen | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Difference:
    """A setting that is not the recipe's."""

    place: str
    recipe: Any
    ours: Any


@dataclass(frozen=True)
class Plan:
    """What the run was expected to take when it was asked for; money in the policy's currency."""

    parameters: int
    trained_parameters: int
    steps: int
    tokens: int
    memory_bytes: int
    seconds_low: float
    seconds: float
    seconds_high: float
    cost_low: float
    cost: float
    cost_high: float
    price_per_hour: float
    currency: str
    basis: str
    warnings: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A run that is thought of but not started: `id` is the run id that Start will use."""

    id: str
    nonce: str
    requester: Person
    thread: Thread | None
    spec: RunSpec
    spec_sha256: str
    plan: Plan
    approval_why: str | None
    created_at: datetime
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One request to train, from wish to result; `version` counts saves (optimistic locking).

    `submission` counts how often we had it submitted: a job's name is spent once it has ended.
    """

    id: str
    spec: RunSpec
    spec_sha256: str
    requester: Person
    threads: tuple[Thread, ...]
    plan: Plan
    created_at: datetime
    wish: Wish = Wish()
    seen: Seen = Seen()
    status: RunStatus = RunStatus.QUEUED
    ended_at: datetime | None = None
    version: int = 0
    submission: int = 1

    @property
    def name(self) -> str:
        """Return the name of its present pipeline run and job: the id, then `<id>-r2`, `-r3`."""
        return self.id if self.submission == 1 else f"{self.id}-r{self.submission}"


class Source(StrEnum):
    """Where an event came from."""

    CHAT = "chat"
    WEB = "web"
    PIPELINE = "pipeline"
    JOB = "job"
    TRAINER = "trainer"
    BOT = "bot"


@dataclass(frozen=True)
class Event:
    """One line of the audit trail: who (None: the system), when, what, from where."""

    run_id: str
    at: datetime
    actor: Person | None
    kind: str
    text: str
    source: Source
    data: dict[str, Any] = field(default_factory=dict)
    seq: int = 0  # given by the store, rises over all runs
