"""Sweeps over HTTP: planned, started, decided, stopped, and how their trials go."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.cost import cost_so_far
from bot.domain.diagnosis import diagnose
from bot.domain.drafting import without_blanks
from bot.domain.picture import open_question
from bot.domain.policy import Right as RightNow
from bot.domain.redact import redact
from bot.domain.run import ProgressSeen, Run, Source
from bot.domain.sweep import Sweep, Trial
from bot.domain.sweep_steps import figures
from bot.service.sweeps import sweep_asked
from bot.web.endpoint import Call, Endpoint
from bot.web.schema import Nothing, Reason, Rejection, Right
from bot.web.sweep_schema import (
    SweepDetail,
    SweepList,
    SweepRequest,
    SweepRightsShape,
    SweepSummary,
    TrialShape,
)

API = "/api/v1"
ONE = f"{API}/sweeps/{{sweep_id}}"


async def list_sweeps(call: Call[Nothing, Nothing]) -> SweepList:
    """Return the newest sweeps."""
    found = await call.service.sweeps.listed(50)
    return SweepList(sweeps=[SweepSummary(**_summary(each)) for each in found])


async def plan_sweep(call: Call[Nothing, SweepRequest]) -> SweepDetail:
    """Plan every trial, pinned and priced; nothing is spent."""
    asked = dict(call.body.sweep)
    if isinstance(asked.get("changes"), dict):
        asked["changes"] = without_blanks(asked["changes"])
    spec = sweep_asked(asked)
    sweeps, nonce = call.service.sweeps, call.body.nonce
    return await _detail(call, await sweeps.plan(call.somebody, spec, nonce=nonce, thread=None))


async def get_sweep(call: Call[Nothing, Nothing]) -> SweepDetail:
    """Return one sweep, its trials looked up."""
    return await _detail(call, await call.service.sweeps.get(call.id))


async def start_sweep(call: Call[Nothing, Nothing]) -> SweepDetail:
    """Begin a planned sweep; asking again changes nothing."""
    sweeps = call.service.sweeps
    return await _detail(call, await sweeps.start(call.somebody, call.id, Source.WEB))


async def cancel_sweep(call: Call[Nothing, Reason]) -> SweepDetail:
    """Wish that a sweep ends with all its runs."""
    sweeps, reason = call.service.sweeps, call.body.reason
    return await _detail(call, await sweeps.cancel(call.somebody, call.id, reason, Source.WEB))


async def approve_sweep(call: Call[Nothing, Nothing]) -> SweepDetail:
    """Agree to all runs of somebody else's sweep."""
    sweeps = call.service.sweeps
    return await _detail(call, await sweeps.approve(call.somebody, call.id, Source.WEB))


async def reject_sweep(call: Call[Nothing, Rejection]) -> SweepDetail:
    """Refuse somebody else's sweep, with a reason."""
    sweeps, reason = call.service.sweeps, call.body.reason
    return await _detail(call, await sweeps.reject(call.somebody, call.id, reason, Source.WEB))


async def _detail(call: Call[Any, Any], sweep: Sweep) -> SweepDetail:
    runs, now = await call.service.sweeps.runs(sweep), call.world.now()
    found = figures(sweep, runs)
    trials = [_trial(trial, runs.get(trial.run_id), found, now) for trial in sweep.trials]
    approval = open_question(sweep)
    return SweepDetail(
        **_summary(sweep),
        spec=sweep.spec,
        plan=sweep.plan,
        runs=trials,
        cost=sum(trial.cost for trial in trials),
        trail=list(sweep.trail),
        approval=approval and replace(approval, key=""),  # which belongs to cards alone
        is_stopping=sweep.status.is_open and sweep.wish.cancel is not None,
        rights=_rights(call, sweep),
    )


def _trial(trial: Trial, run: Run | None, found: Mapping[str, float], now: datetime) -> TrialShape:
    seen = run.seen.progress if run else None
    progress = seen or ProgressSeen()
    return TrialShape(
        number=trial.number,
        run_id=trial.run_id,
        values=trial.point,
        status=run.status if run else None,
        step=progress.step,
        total=progress.total or (run.plan.steps if run else 0),
        figure=found.get(trial.run_id),
        cost=cost_so_far(run, now) if run else 0.0,
        note=_note(run) if run else "",
    )


def _note(run: Run) -> str:
    """Return why the run ended as it did, where that is not plain."""
    diagnosis, result = diagnose(run), run.seen.result
    if diagnosis is not None:
        return diagnosis.cause
    if run.wish.cancel is not None:
        return redact(run.wish.cancel.reason)
    return result.ended if result is not None else ""


def _rights(call: Call[Any, Any], sweep: Sweep) -> SweepRightsShape:
    if call.person is None:
        nobody = Right(allowed=False, why=call.world.who_are_you)
        return SweepRightsShape(start=nobody, cancel=nobody, approve=nobody, reject=nobody)
    rights = call.service.sweeps.rights(call.person, sweep)
    return SweepRightsShape(
        start=_right(rights.start),
        cancel=_right(rights.cancel),
        approve=_right(rights.approve),
        reject=_right(rights.reject),
    )


def _right(right: RightNow) -> Right:
    return Right(allowed=right.allowed, why=right.why)


def _summary(sweep: Sweep) -> dict[str, Any]:
    return {
        "id": sweep.id,
        "name": sweep.name,
        "recipe": sweep.spec.recipe,
        "requester": sweep.requester,
        "status": sweep.status,
        "note": sweep.note,
        "created_at": sweep.created_at,
        "started_at": sweep.started_at,
        "ended_at": sweep.ended_at,
        "best": sweep.best,
        "trials": len(sweep.trials),
        "varied": list(sweep.spec.vary),
        "currency": sweep.plan.currency,
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
        "POST",
        f"{API}/sweeps",
        "planSweep",
        "Plan a sweep; nothing is spent",
        plan_sweep,
        answer=SweepDetail,
        body=SweepRequest,
    ),
    Endpoint(
        "GET",
        ONE,
        "getSweep",
        "One sweep with its trials and the best of them",
        get_sweep,
        answer=SweepDetail,
    ),
    Endpoint(
        "POST",
        f"{ONE}/start",
        "startSweep",
        "Begin a planned sweep, once",
        start_sweep,
        answer=SweepDetail,
        refusals=(403,),
    ),
    Endpoint(
        "POST",
        f"{ONE}/cancel",
        "cancelSweep",
        "Wish that a sweep ends with its runs",
        cancel_sweep,
        answer=SweepDetail,
        body=Reason,
        refusals=(403,),
    ),
    Endpoint(
        "POST",
        f"{ONE}/approve",
        "approveSweep",
        "Agree to all runs of somebody else's sweep",
        approve_sweep,
        answer=SweepDetail,
        refusals=(403,),
    ),
    Endpoint(
        "POST",
        f"{ONE}/reject",
        "rejectSweep",
        "Refuse somebody else's sweep, with a reason",
        reject_sweep,
        answer=SweepDetail,
        body=Rejection,
        refusals=(403,),
    ),
)
