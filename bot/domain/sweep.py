"""A sweep and its facts: one request that becomes several runs under one budget."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.naming import ALPHABET
from bot.domain.people import Person, Thread
from bot.domain.run import Approval, Cancel, Source
from trainer.contract.sweep import Point, SweepSpec

SWEEP_ID = re.compile(r"sweep-\d{8}-[a-z2-7]{6}")


class SweepStatus(StrEnum):
    """The only list of a sweep's states; what its trials do is theirs."""

    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def awaits_approval(self) -> bool:
        """Return whether another person has to agree first."""
        return self is SweepStatus.AWAITING_APPROVAL

    @property
    def is_open(self) -> bool:
        """Return whether the reconciler has something to do for it."""
        return self in OPEN


OPEN = frozenset({SweepStatus.AWAITING_APPROVAL, SweepStatus.RUNNING, SweepStatus.STOPPING})


@dataclass(frozen=True)
class Trial:
    """One of a sweep's runs: its number from 1, its values, and the run's id from the start."""

    number: int
    run_id: str
    point: Point
    spec_sha256: str


@dataclass(frozen=True)
class SweepPlan:
    """What all trials together were expected to take; money in `currency`."""

    cost_low: float
    cost: float
    cost_high: float  # the budget's, where that is lower
    seconds: float  # with as many trials at once as were asked for
    currency: str
    sha256: str  # over the sweep and the spec of every trial: what is approved
    approval_why: str | None


@dataclass(frozen=True)
class SweepWish:
    """What people want of a sweep."""

    approval: Approval | None = None
    cancel: Cancel | None = None


@dataclass(frozen=True)
class TrailLine:
    """One line of the sweep's audit trail: who (None: the system) did what, when, from where."""

    at: datetime
    actor: Person | None
    text: str
    source: Source


@dataclass(frozen=True)
class Sweep:
    """One request to try several values; `version` counts saves (optimistic locking).

    `told` is what its threads were told last. `note` says why it ended before all trials had run.
    """

    id: str
    spec: SweepSpec
    name: str
    requester: Person
    threads: tuple[Thread, ...]
    trials: tuple[Trial, ...]
    plan: SweepPlan
    created_at: datetime
    wish: SweepWish = SweepWish()
    status: SweepStatus = SweepStatus.PLANNED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    best: str | None = None  # the run with the best figure so far
    note: str = ""
    told: str = ""
    trail: tuple[TrailLine, ...] = ()
    version: int = 0


def sweep_id(nonce: str, at: datetime) -> str:
    """Return the id that a request always gets; `nonce` names the request and its person."""
    return f"sweep-{at:%Y%m%d}-{_letters(nonce)}"


def trial_run_id(sweep: str, number: int) -> str:
    """Return the run id of a trial: the same for every attempt to start it."""
    return f"run-{sweep.split('-')[1]}-{_letters(f'{sweep}/{number}')}"


def is_sweep_id(text: str) -> bool:
    """Return whether `text` has the form of a sweep's id."""
    return SWEEP_ID.fullmatch(text) is not None


def _letters(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:6])
