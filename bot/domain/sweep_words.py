"""What a sweep's people read: its plan, how it goes, and its best run; pure."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.run import Run
from bot.domain.sweep import Sweep, SweepStatus
from bot.domain.sweep_steps import cost_of_trials, figures
from trainer.contract.sweep import in_words

STATES = {
    SweepStatus.PLANNED: "not started",
    SweepStatus.AWAITING_APPROVAL: "waits for another person to agree",
    SweepStatus.RUNNING: "running",
    SweepStatus.STOPPING: "stopping",
}
FIGURES = {
    "eval_loss": "held-out loss",
    "eval_perplexity": "held-out perplexity",
    "loss": "training loss",
}
SHOWN = 20  # trials in a message; the page has all


def plan_in_words(sweep: Sweep) -> str:
    """Return the plan: how many runs, what all of them may cost, and whose consent it needs."""
    plan, spec = sweep.plan, sweep.spec
    least = f"{FIGURES[spec.goal.metric]}, {'least' if is_least(sweep) else 'most'}"
    lines = [
        (
            f"**Sweep `{sweep.name}`**: {len(sweep.trials)} runs of {spec.recipe}, "
            f"{spec.parallel} at a time ({spec.how}), for the {least}."
        ),
        (
            f"All together about {plan.currency} {plan.cost:.2f} "
            f"({plan.cost_low:.2f} to {plan.cost_high:.2f}), {plan.seconds / 60:.0f} min."
        ),
        *(f"{trial.number}. {in_words(trial.point)}" for trial in sweep.trials[:SHOWN]),
    ]
    if len(sweep.trials) > SHOWN:
        lines.append(f"and {len(sweep.trials) - SHOWN} more")
    if plan.approval_why:
        lines.append(f"Somebody else must agree: {plan.approval_why}")
    lines.append(f"Nothing is spent before `sweep start {sweep.id}`.")
    return "\n\n".join(lines)


def is_least(sweep: Sweep) -> bool:
    """Return whether the smallest figure is the best."""
    return sweep.spec.goal.direction == "minimize"


def progress_in_words(sweep: Sweep, runs: Mapping[str, Run]) -> str:
    """Return the table of trials with the best one told; no clock and no cost, which never rest."""
    found, figure = figures(sweep, runs), FIGURES[sweep.spec.goal.metric]
    state = STATES.get(sweep.status, sweep.status.value)
    lines = [f"**Sweep `{sweep.name}`** ({sweep.id}): {state}. {sweep.note}".rstrip()]
    if sweep.best is not None:
        trial = next(each for each in sweep.trials if each.run_id == sweep.best)
        best = f"Best so far: `{sweep.best}`" if sweep.status.is_open else f"Best: `{sweep.best}`"
        lines.append(f"{best} with {in_words(trial.point)}, {figure} {found[sweep.best]:.4f}.")
    for trial in sweep.trials[:SHOWN]:
        run = runs.get(trial.run_id)
        how = run.status.value.replace("_", " ") if run else "not started"
        value = f", {figure} {found[trial.run_id]:.4f}" if trial.run_id in found else ""
        name = f" (`{trial.run_id}`)" if run else ""
        lines.append(f"{trial.number}. {in_words(trial.point)}: {how}{value}{name}")
    return "\n\n".join(lines)


def end_in_words(sweep: Sweep, runs: Mapping[str, Run], now: datetime) -> str:
    """Return the one message at a sweep's end."""
    cost = f"{sweep.plan.currency} {cost_of_trials(runs, now):.2f}"
    done, of = len(figures(sweep, runs)), len(sweep.trials)
    head = f"{sweep.requester.name}: the sweep `{sweep.name}` is {sweep.status.value}. "
    text = f"{head}{sweep.note} {done} of {of} runs succeeded, for {cost}.".replace("  ", " ")
    if sweep.best is None:
        return text
    trial = next(each for each in sweep.trials if each.run_id == sweep.best)
    value = figures(sweep, runs)[sweep.best]
    figure = FIGURES[sweep.spec.goal.metric]
    return (
        f"{text} The best is `{sweep.best}` ({in_words(trial.point)}) with a {figure} of "
        f"{value:.4f}."
    )
