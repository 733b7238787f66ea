"""Sweeps over HTTP: what was asked, how its trials go, and which is the best."""

from datetime import datetime
from typing import Any

from bot.domain.cost import cost_so_far
from bot.domain.people import Person
from bot.domain.run import RunStatus
from bot.domain.sweep import Sweep, SweepPlan, SweepStatus, TrailLine
from bot.domain.sweep_steps import figures
from bot.web.endpoint import Call, Endpoint
from bot.web.schema import Nothing, Shape
from trainer.contract.sweep import SweepSpec

API = "/api/v1"


class TrialShape(Shape):
    """One trial: its values, and of its run what is known; `status` is None before it starts."""

    number: int
    run_id: str
    values: dict[str, Any]
    status: RunStatus | None
    figure: float | None  # the goal's
    cost: float


class SweepSummary(Shape):
    """A sweep in a list."""

    id: str
    name: str
    recipe: str
    requester: Person
    status: SweepStatus
    note: str
    created_at: datetime
    ended_at: datetime | None
    best: str | None
    trials: int


class SweepDetail(SweepSummary):
    """One sweep with its trials."""

    spec: SweepSpec
    plan: SweepPlan
    runs: list[TrialShape]
    cost: float
    trail: list[TrailLine]


class SweepList(Shape):
    """Sweeps, newest first."""

    sweeps: list[SweepSummary]


async def list_sweeps(call: Call[Nothing, Nothing]) -> SweepList:
    """Return the newest sweeps."""
    found = await call.service.sweeps.listed(50)
    return SweepList(sweeps=[SweepSummary(**_summary(each)) for each in found])


async def get_sweep(call: Call[Nothing, Nothing]) -> SweepDetail:
    """Return one sweep, its trials looked up."""
    sweep = await call.service.sweeps.get(call.id)
    runs, now = await call.service.sweeps.runs(sweep), call.world.now()
    found = figures(sweep, runs)
    costs = {run.id: cost_so_far(run, now) for run in runs.values()}
    trials = [
        TrialShape(
            number=trial.number,
            run_id=trial.run_id,
            values=trial.point,
            status=runs[trial.run_id].status if trial.run_id in runs else None,
            figure=found.get(trial.run_id),
            cost=costs.get(trial.run_id, 0.0),
        )
        for trial in sweep.trials
    ]
    return SweepDetail(
        **_summary(sweep),
        spec=sweep.spec,
        plan=sweep.plan,
        runs=trials,
        cost=sum(costs.values()),
        trail=list(sweep.trail),
    )


def _summary(sweep: Sweep) -> dict[str, Any]:
    return {
        "id": sweep.id,
        "name": sweep.name,
        "recipe": sweep.spec.recipe,
        "requester": sweep.requester,
        "status": sweep.status,
        "note": sweep.note,
        "created_at": sweep.created_at,
        "ended_at": sweep.ended_at,
        "best": sweep.best,
        "trials": len(sweep.trials),
    }


SWEEPS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        f"{API}/sweeps",
        "listSweeps",
        "Sweeps, newest first",
        list_sweeps,
        answer=SweepList,
    ),
    Endpoint(
        "GET",
        f"{API}/sweeps/{{sweep_id}}",
        "getSweep",
        "One sweep with its trials and the best of them",
        get_sweep,
        answer=SweepDetail,
    ),
)
