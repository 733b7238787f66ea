"""What to do next with a sweep: which trials to start and to stop, and when it is over; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.cost import cost_so_far
from bot.domain.run import Run, RunStatus, Source
from bot.domain.sweep import Sweep, SweepStatus, TrailLine, Trial
from trainer.contract.sweep import best_of, out_of_patience


@dataclass(frozen=True)
class Moves:
    """The sweep as its facts have it now, the trials to start, and the runs to stop."""

    sweep: Sweep
    start: tuple[Trial, ...] = ()
    stop: tuple[str, ...] = ()


def next_moves(sweep: Sweep, runs: Mapping[str, Run], now: datetime) -> Moves:
    """Return what is due; `runs` are the trials that were started, by id.

    Doing it twice changes nothing: what was started or stopped shows in `runs` the next time.
    """
    approval = sweep.wish.approval
    if sweep.status is SweepStatus.AWAITING_APPROVAL:
        late = approval is not None and now >= approval.expires_at
        return Moves(
            ended(sweep, SweepStatus.EXPIRED, now, "Nobody decided in time.") if late else sweep
        )
    if not sweep.status.is_open:
        return Moves(sweep)
    sweep = replace(sweep, best=best_of(sweep.spec.goal, figures(sweep, runs)))
    active = [run for run in runs.values() if not run.status.is_final]
    waiting = [trial for trial in sweep.trials if trial.run_id not in runs]
    note = sweep.note or why_stop(sweep, runs, now)
    if note and (waiting or active):
        sweep = _noted(sweep, note, now)
        waiting = []
    if not active and not waiting:
        return Moves(_over(sweep, runs, now))
    if sweep.note:
        return Moves(sweep, stop=tuple(run.id for run in active if run.wish.cancel is None))
    return Moves(sweep, start=tuple(waiting[: max(0, sweep.spec.parallel - len(active))]))


def why_stop(sweep: Sweep, runs: Mapping[str, Run], now: datetime) -> str:
    """Return in a sentence why no further trial should run; empty while nothing speaks against."""
    budget = sweep.spec.budget
    if sweep.wish.cancel is not None:
        return f"{sweep.wish.cancel.who} asked to stop it."
    if budget.cost is not None and cost_of_trials(runs, now) >= budget.cost:
        return f"It reached its cost limit of {sweep.plan.currency} {budget.cost:.2f}."
    if budget.hours is not None and sweep.started_at is not None:
        hours = (now - sweep.started_at).total_seconds() / 3600
        if hours >= budget.hours:
            return f"It reached its time limit of {budget.hours:g} h."
    if out_of_patience(sweep.spec, _in_order_of_ends(sweep, runs)):
        return f"{sweep.spec.patience} trials in a row brought nothing better."
    return ""


def figures(sweep: Sweep, runs: Mapping[str, Run]) -> dict[str, float]:
    """Return the goal's figure of each trial that succeeded, by run id, in the trials' order."""
    found = {}
    for trial in sweep.trials:
        run = runs.get(trial.run_id)
        result = run.seen.result if run is not None else None
        if run is not None and run.status is RunStatus.SUCCEEDED and result is not None:
            value = getattr(result, sweep.spec.goal.metric)
            if value is not None:  # a method without that figure
                found[run.id] = float(value)
    return found


def cost_of_trials(runs: Mapping[str, Run], now: datetime) -> float:
    """Return what the trials have cost until now."""
    return sum(cost_so_far(run, now) for run in runs.values())


def ended(sweep: Sweep, status: SweepStatus, now: datetime, why: str) -> Sweep:
    """Return the sweep in a final state, with the line that says why."""
    line = TrailLine(now, None, f"It is now {status.value}. {why}".rstrip(), Source.BOT)
    trail = (*sweep.trail, line)
    return replace(sweep, status=status, ended_at=now, note=sweep.note or why, trail=trail)


def _noted(sweep: Sweep, note: str, now: datetime) -> Sweep:
    if sweep.note:
        return sweep
    line = TrailLine(now, None, f"No further trial is started. {note}", Source.BOT)
    return replace(sweep, note=note, status=SweepStatus.STOPPING, trail=(*sweep.trail, line))


def _over(sweep: Sweep, runs: Mapping[str, Run], now: datetime) -> Sweep:
    if sweep.wish.cancel is not None:
        return ended(sweep, SweepStatus.CANCELLED, now, "")
    good = any(run.status is RunStatus.SUCCEEDED for run in runs.values())
    if good:
        return ended(sweep, SweepStatus.SUCCEEDED, now, "")
    return ended(sweep, SweepStatus.FAILED, now, "No trial succeeded.")


def _in_order_of_ends(sweep: Sweep, runs: Mapping[str, Run]) -> Sequence[float]:
    found = figures(sweep, runs)
    ends = [(runs[run_id].ended_at, runs[run_id].id) for run_id in found]
    return [found[run_id] for _, run_id in sorted((end, run) for end, run in ends if end)]
