"""A run as people see it: one flat picture from which cards, console and page all draw."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.run import Plan, Point, Readings, ResultSeen, RunStatus, SampleSeen


class RailState(StrEnum):
    """How a stage of the rail is drawn."""

    AHEAD = "ahead"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class RailStage:
    """One stage of queued > approved > prepare > training > evaluation; seconds spent in it."""

    name: str
    state: RailState
    seconds: float | None = None


@dataclass(frozen=True)
class Diagnosis:
    """Why a run failed, in plain words: cause, remedy, and the last lines of the log, redacted."""

    cause: str
    remedy: str
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The result against the goal; `reached` is None where the recipe has no goal."""

    text: str
    reached: bool | None


@dataclass(frozen=True)
class PendingApproval:
    """What an approver must know, and until when; `key` goes into the card, nowhere else."""

    key: str
    why: str
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class RunView:
    """Everything that a card or page shows of a run. Money in `plan.currency`, times in seconds."""

    id: str
    name: str
    recipe: str
    requester_id: str
    requester: str
    status: RunStatus
    headline: str  # one sentence: what is going on now, or how it ended
    created_at: datetime
    ended_at: datetime | None
    rail: tuple[RailStage, ...]
    plan: Plan
    step: int
    total: int
    loss: float | None
    first_loss: float | None
    eval_loss: float | None
    tokens: int
    tokens_per_s: float | None
    eta_s: float | None
    curve: tuple[Point, ...]
    cost: float
    cost_limit: float | None
    attempt: int
    queue_position: int | None
    approval: PendingApproval | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    cancelled_by: str | None = None
    result: ResultSeen | None = None
    verdict: Verdict | None = None
    diagnosis: Diagnosis | None = None
    samples: tuple[SampleSeen, ...] = ()
    undelivered: tuple[str, ...] = ()  # sentences about messages whose delivery is unknown
    is_stopping: bool = False
    note: str = ""
    trouble: str = ""  # what keeps us from seeing or doing what is due, or a warning
    why_waiting: str = ""
    readings: Readings | None = None
    links: tuple[tuple[str, str], ...] = ()  # (title, url) of the pipeline run and the job
    sweep: str | None = None  # whose trial it is
