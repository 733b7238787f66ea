"""The shapes of sweeps in the REST interface."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from bot.domain.people import Person
from bot.domain.run import RunStatus
from bot.domain.sweep import SweepPlan, SweepStatus, TrailLine
from bot.domain.view import PendingApproval
from bot.web.schema import Right, Shape
from trainer.contract.sweep import SweepSpec


class SweepRequest(Shape):
    """Ask for a sweep's plan. `sweep`: a `SweepSpec`, its values as typed or as JSON.

    The same `nonce` returns the same sweep.
    """

    sweep: dict[str, Any]
    nonce: Annotated[str, Field(min_length=8, max_length=64)]


class TrialShape(Shape):
    """One trial: its values, and of its run what is known; `status` is None before it starts.

    `note` says why it ended as it did, where that is not plain: early, failed, cancelled.
    """

    number: int
    run_id: str
    values: dict[str, Any]
    status: RunStatus | None
    step: int
    total: int
    figure: float | None  # the goal's
    cost: float
    note: str


class SweepSummary(Shape):
    """A sweep in a list."""

    id: str
    name: str
    recipe: str
    requester: Person
    status: SweepStatus
    note: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    best: str | None
    trials: int
    varied: list[str]  # the settings that differ between its trials
    currency: str


class SweepRightsShape(Shape):
    """What the person looking may do with this sweep now."""

    start: Right
    cancel: Right
    approve: Right
    reject: Right


class SweepDetail(SweepSummary):
    """One sweep with its trials."""

    spec: SweepSpec
    plan: SweepPlan
    runs: list[TrialShape]
    cost: float
    trail: list[TrailLine]
    approval: PendingApproval | None
    is_stopping: bool
    rights: SweepRightsShape


class SweepList(Shape):
    """Sweeps, newest first."""

    sweeps: list[SweepSummary]
