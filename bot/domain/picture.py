"""From a run's facts to the one picture of it that people see."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.cost import cost_so_far
from bot.domain.diagnosis import diagnose, judge
from bot.domain.promotion import Promotion
from bot.domain.reasons import because
from bot.domain.redact import redact
from bot.domain.run import Cancel, JobState, PipelineState, ProgressSeen, Run, RunStatus
from bot.domain.sweep import Sweep
from bot.domain.view import PendingApproval, RailStage, RailState, RunView

# Whatever a service answers, people are sent to these places only.
LINKED = ("https://dev.azure.com/", "https://ml.azure.com/")
STAGES = ("queued", "approved", "prepare", "training", "evaluation")
# How far along the rail each state is: the index of the stage that is happening.
PLACE = {
    RunStatus.AWAITING_APPROVAL: 1,
    RunStatus.QUEUED: 2,
    RunStatus.PREPARING: 2,
    RunStatus.WAITING: 3,
    RunStatus.TRAINING: 3,
    RunStatus.EVALUATING: 4,
    RunStatus.SUCCEEDED: 5,
    RunStatus.REJECTED: 1,
    RunStatus.EXPIRED: 1,
}


def view_of(run: Run, now: datetime, undelivered: tuple[str, ...] = ()) -> RunView:
    """Return the picture of `run` at `now`; `undelivered` says what may not have arrived."""
    progress = run.seen.progress or ProgressSeen()
    cancel, job = run.wish.cancel, run.seen.job
    decision = run.wish.approval.decision if run.wish.approval else None
    return RunView(
        id=run.id,
        name=run.spec.name,
        recipe=run.spec.recipe,
        requester_id=run.requester.id,
        requester=run.requester.name,
        status=run.status,
        headline=redact(headline(run)),
        created_at=run.created_at,
        ended_at=run.ended_at,
        rail=rail_of(run, now),
        plan=run.plan,
        step=progress.step,
        total=progress.total or run.plan.steps,
        loss=progress.loss,
        first_loss=progress.first_loss,
        eval_loss=progress.eval_loss,
        tokens=progress.tokens,
        tokens_per_s=progress.tokens_per_s,
        eta_s=None if run.status.is_final else progress.eta_s,
        curve=progress.curve,
        cost=cost_so_far(run, now),
        cost_limit=run.spec.budget.cost,
        attempt=(job.attempt if job else 1) + run.submission - 1,
        queue_position=job.position if job and job.state is JobState.WAITING else None,
        approval=open_question(run),
        decided_by=decision.by.name if decision else None,
        decision_reason=decision.reason or None if decision else None,
        cancelled_by=cancel.who if cancel else None,
        result=progress.result,
        verdict=judge(run),
        diagnosis=diagnose(run),
        samples=progress.samples,
        undelivered=undelivered,
        is_stopping=cancel is not None and not run.status.is_final,
        note=redact(cancel.reason) if cancel else progress.note,
        trouble="" if run.status.is_final else redact(run.trouble or progress.warning),
        why_waiting=_why_waiting(run),
        readings=progress.readings,
        links=_links(run),
        sweep=run.sweep,
    )


def _why_waiting(run: Run) -> str:
    """Return why nothing moves, where somebody said why."""
    job, pipeline = run.seen.job, run.seen.pipeline
    if run.status is RunStatus.WAITING and job is not None:
        return redact(job.why_waiting)
    if run.status in (RunStatus.QUEUED, RunStatus.PREPARING) and pipeline is not None:
        return redact(" ".join(pipeline.waits_for))
    return ""


def _links(run: Run) -> tuple[tuple[str, str], ...]:
    pipeline, job = run.seen.pipeline, run.seen.job
    found = (
        ("Pipeline run", pipeline.url if pipeline else None),
        ("Job", job.url if job else None),
    )
    return tuple((title, url) for title, url in found if url and url.startswith(LINKED))


def open_question(asked: Run | Promotion | Sweep) -> PendingApproval | None:
    """Return what another person has still to answer."""
    approval = asked.wish.approval
    if approval is None or not asked.status.awaits_approval:
        return None
    return PendingApproval(approval.key, approval.why, approval.asked_at, approval.expires_at)


def headline(run: Run) -> str:
    """Return one sentence: what is going on, or how it ended."""
    cancel = run.wish.cancel
    if cancel is not None and not run.status.is_final:
        return being_stopped(cancel)
    said = HEADLINES[run.status]
    return said if isinstance(said, str) else said(run)


def _waiting(run: Run) -> str:
    job = run.seen.job
    place = f", number {job.position} in the queue" if job and job.position else ""
    attempt = (job.attempt if job else 1) + run.submission - 1
    again = f" after attempt {attempt - 1} was interrupted" if attempt > 1 else ""
    return f"Waits for a machine{place}{again}."


def _succeeded(run: Run) -> str:
    verdict = judge(run)
    return verdict.text if verdict else "Done."


def _failed(run: Run) -> str:
    found = diagnose(run)
    return found.cause if found else "It failed."


def _training(run: Run) -> str:
    progress = run.seen.progress
    if progress is None or not progress.step:
        return "The machine is starting and reads the data."
    return f"Training, step {progress.step:,} of {progress.total:,}."


def being_stopped(cancel: Cancel) -> str:
    """Return the sentence on what is asked to stop and has not yet."""
    return f"Being stopped for {cancel.who}."


def cancelled(asked: Run | Promotion) -> str:
    """Return the sentence on what was stopped."""
    cancel = asked.wish.cancel
    if cancel is None:
        return "Stopped by the system."
    return f"Stopped by {cancel.who}{because(cancel.reason)}"


def rejected(asked: Run | Promotion) -> str:
    """Return the sentence on what another person refused."""
    decision = asked.wish.approval.decision if asked.wish.approval else None
    if decision is None:
        return "Rejected."
    return f"{decision.by.name} rejected it: {decision.reason or 'no reason given'}"


def _queued(run: Run) -> str:
    if run.submission == 1:
        return "Waits for the pipeline."
    return f"The platform lost attempt {run.submission - 1}; it is being submitted again."


def _preparing(run: Run) -> str:
    stages = run.seen.pipeline.stages if run.seen.pipeline else ()
    now = next((s.name for s in stages if s.state is PipelineState.RUNNING), None)
    return f"The pipeline prepares it{f' ({now})' if now else ''}."


HEADLINES: dict[RunStatus, str | Callable[[Run], str]] = {
    RunStatus.AWAITING_APPROVAL: "Waits for another person to agree.",
    RunStatus.QUEUED: _queued,
    RunStatus.PREPARING: _preparing,
    RunStatus.WAITING: _waiting,
    RunStatus.TRAINING: _training,
    RunStatus.EVALUATING: "Training is done; the model is being evaluated and saved.",
    RunStatus.SUCCEEDED: _succeeded,
    RunStatus.FAILED: _failed,
    RunStatus.CANCELLED: cancelled,
    RunStatus.REJECTED: rejected,
    RunStatus.EXPIRED: "Nobody agreed in time; ask for it again.",
}


def rail_of(run: Run, now: datetime) -> tuple[RailStage, ...]:
    """Return the five stages, each with its state and the seconds it took so far."""
    place = PLACE.get(run.status, _place_reached(run))
    seconds = _durations(run, now)
    return tuple(
        RailStage(name, _rail_state(run, index, place), seconds.get(name))
        for index, name in enumerate(STAGES)
    )


def _place_reached(run: Run) -> int:
    """Return where a failed or cancelled run was when it ended."""
    if run.seen.job is not None and run.seen.job.state is not JobState.ABSENT:
        return 3
    waited = run.wish.approval is not None and run.wish.approval.decision is None
    return 1 if waited else 2


def _rail_state(run: Run, index: int, place: int) -> RailState:
    if index == 1 and run.wish.approval is None and place > 1:
        return RailState.SKIPPED
    if index < place:
        return RailState.DONE
    if index > place:
        return RailState.AHEAD
    if index == 1:
        return RailState.NOW if run.status is RunStatus.AWAITING_APPROVAL else RailState.SKIPPED
    return RailState.FAILED if run.status.is_final else RailState.NOW


def _durations(run: Run, now: datetime) -> dict[str, float]:
    found: dict[str, float] = {}
    approval, pipeline, job = run.wish.approval, run.seen.pipeline, run.seen.job
    if approval is not None:
        until = approval.decision.at if approval.decision else run.ended_at or now
        found["approved"] = (until - approval.asked_at).total_seconds()
    starts = [s.started_at for s in pipeline.stages if s.started_at] if pipeline else []
    if pipeline and starts:
        ends = [s.ended_at for s in pipeline.stages if s.ended_at]
        running = any(s.state is PipelineState.RUNNING for s in pipeline.stages)
        until = now if running or not ends else max(ends)
        found["prepare"] = (until - min(starts)).total_seconds()
    if job is not None and job.started_at is not None:
        until = job.ended_at or (run.ended_at or now)
        found["training"] = max(job.busy_s, (until - job.started_at).total_seconds())
    return found
