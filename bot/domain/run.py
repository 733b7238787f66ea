"""A run and its three facts: what people wish, what was seen, what is known of its plan."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.people import Person, Thread
from bot.domain.seen import (
    JobSeen,
    JobState,
    PipelineSeen,
    PipelineState,
    Point,
    ProgressSeen,
    Readings,
    ResultSeen,
    SampleSeen,
    Seen,
    StageSeen,
)
from trainer.contract.memory import Memory
from trainer.contract.names import job_name
from trainer.contract.spec import RunSpec

# What was seen belongs to a run, and is imported from here.
__all__ = [
    "FINAL",
    "Approval",
    "Cancel",
    "Decision",
    "Difference",
    "Draft",
    "Event",
    "JobSeen",
    "JobState",
    "PipelineSeen",
    "PipelineState",
    "Plan",
    "Point",
    "ProgressSeen",
    "Readings",
    "ResultSeen",
    "Run",
    "RunStatus",
    "SampleSeen",
    "Seen",
    "Source",
    "StageSeen",
    "Wish",
]


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
    def awaits_approval(self) -> bool:
        """Return whether another person has to agree first."""
        return self is RunStatus.AWAITING_APPROVAL

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

    @property
    def who(self) -> str:
        """Return whose wish it is."""
        return self.by.name if self.by else "the system"


@dataclass(frozen=True)
class Wish:
    """What people want of a run."""

    approval: Approval | None = None
    cancel: Cancel | None = None


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
    memory: Memory | None = None  # what `memory_bytes` is made of; None for an unknown shape
    spread: str = ""  # sentences: how the run spreads over several processes


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
    is_unattended: bool = False  # a commit or a schedule asks in the requester's name
    sweep: str | None = None  # whose trial it is


@dataclass(frozen=True)
class Run:
    """One request to train, from wish to result; `version` counts saves (optimistic locking).

    `submission` counts how often we had it submitted: a job's name is spent once it has ended.
    `spent_s` are the machine seconds of the submissions before. `trouble` is what keeps us from
    seeing or doing what is due, in words.
    """

    id: str
    spec: RunSpec
    spec_sha256: str
    requester: Person
    threads: tuple[Thread, ...]
    plan: Plan
    created_at: datetime
    wish: Wish = Wish()
    seen: Seen = field(default_factory=Seen)
    status: RunStatus = RunStatus.QUEUED
    ended_at: datetime | None = None
    version: int = 0
    submission: int = 1
    spent_s: float = 0.0
    trouble: str = ""
    is_unattended: bool = False
    start_asked_at: datetime | None = None  # when a pipeline run of this name was last asked for
    sweep: str | None = None  # whose trial it is

    @property
    def name(self) -> str:
        """Return the name of its present pipeline run and job: the id, then `<id>-r2`, `-r3`."""
        return job_name(self.id, self.submission)


class Source(StrEnum):
    """Where an event came from."""

    CHAT = "chat"
    WEB = "web"
    PIPELINE = "pipeline"
    JOB = "job"
    TRAINER = "trainer"
    BOT = "bot"
    COMMIT = "commit"
    SCHEDULE = "schedule"


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
