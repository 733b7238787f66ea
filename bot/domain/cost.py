"""What a run costs: seconds on its machines times the price of an hour."""

from datetime import datetime

from bot.domain.run import JobState, Run
from trainer.contract.price import cost_of


def busy_seconds(run: Run, now: datetime) -> float:
    """Return how long the run has held machines so far, over all attempts and submissions."""
    job = run.seen.job
    if job is None:
        return run.spent_s
    if job.state is JobState.RUNNING and job.started_at is not None:
        return run.spent_s + max(job.busy_s, (now - job.started_at).total_seconds())
    return run.spent_s + job.busy_s


def cost_so_far(run: Run, now: datetime) -> float:
    """Return what the run has cost until `now`."""
    return cost_of(busy_seconds(run, now), run.plan.price_per_hour, run.spec.compute.nodes)


def ceiling(cost_high: float, limit: float | None) -> float:
    """Return the most that a run can cost: the reconciler ends it at its own limit."""
    return cost_high if limit is None else min(cost_high, limit)
