"""What cards and console say of a plan and a run: labels with values, and one-line summaries."""

from typing import Any

from bot.cards.escape import cut, flat, plain
from bot.cards.numbers import (
    count,
    duration,
    duration_range,
    loss,
    memory,
    money,
    money_range,
    percent,
    rate,
    setting,
    significant,
)
from bot.cards.status import look_of
from bot.domain.run import Plan, RunStatus
from bot.domain.view import RunView

Facts = tuple[tuple[str, str], ...]

# What a toast shows of a message before it is cut (Teams, desktop).
_SUMMARY = 160
_DIFFERENCES = 12


def cost_facts(plan: Plan) -> Facts:
    """Return what the run will cost and how long it will take."""
    currency = plan.currency
    return (
        ("Cost", money_range(plan.cost_low, plan.cost, plan.cost_high, currency=currency)),
        ("Time", duration_range(plan.seconds_low, plan.seconds, plan.seconds_high)),
    )


def size_facts(plan: Plan) -> Facts:
    """Return how large model and work are."""
    trained = plan.trained_parameters
    parameters = f"{count(plan.parameters)} parameters"
    if trained != plan.parameters:
        parameters += f", {count(trained)} of them trained ({_share(trained, plan.parameters)})"
    return (
        ("Model", parameters),
        ("Training", f"{count(plan.steps)} steps, {count(plan.tokens)} tokens"),
        ("Memory", f"about {memory(plan.memory_bytes)}"),
    )


def difference_facts(plan: Plan) -> Facts:
    """Return the settings that are not the recipe's, with both values; the page has them all."""
    rows = tuple(
        (d.place, f"{_short(d.ours)} (recipe: {_short(d.recipe)})")
        for d in plan.differences[:_DIFFERENCES]
    )
    more = len(plan.differences) - len(rows)
    return (*rows, ("…", f"{more} more")) if more > 0 else rows


def run_facts(run: RunView) -> Facts:
    """Return what is known of the run now, only rows that say something."""
    speed = rate(run.tokens_per_s) if run.tokens_per_s and not run.status.is_final else ""
    left = duration(run.eta_s) if run.eta_s is not None and not run.status.is_final else ""
    rows = (
        ("Place in queue", str(run.queue_position) if run.queue_position else ""),
        ("Loss", loss_words(run)),
        ("Evaluation loss", _evaluation(run)),
        ("Speed", speed),
        ("Time left", f"about {left}" if left else ""),
        ("Time taken", _taken(run)),
        ("Cost so far" if run.cost and not run.status.is_final else "Cost", cost_words(run)),
        ("Attempt", str(run.attempt) if run.attempt > 1 else ""),
    )
    return tuple(row for row in rows if row[1])


def loss_words(run: RunView) -> str:
    """Return first loss and newest loss: `4.10 → 2.31`."""
    if run.loss is None:
        return ""
    if run.first_loss is None or run.step <= 1:
        return loss(run.loss)
    return f"{loss(run.first_loss)} → {loss(run.loss)}"


def cost_words(run: RunView) -> str:
    """Return what was spent, of what was expected, and the limit if there is one."""
    currency = run.plan.currency
    spent = money(run.cost, currency)
    expected = money(run.plan.cost, currency)
    limit = f", limit {money(run.cost_limit, currency)}" if run.cost_limit is not None else ""
    if not run.cost:
        return f"{expected} expected{limit}"
    if expected.startswith("under"):
        return f"{spent} ({expected} expected){limit}"
    return f"{spent} of {expected} expected{limit}"


def step_words(run: RunView) -> str:
    """Return `step 40 of 200, 20 %`, or nothing before the first step."""
    if run.total <= 0:
        return ""
    return f"step {run.step:,} of {run.total:,}, {percent(run.step, run.total)}"


def summary(run: RunView) -> str:
    """Return one line for a toast: name, what is going on, the number that matters."""
    return cut(plain(f"{run.name}: {_what(run)}"), _SUMMARY)


def _short(value: Any) -> str:
    return flat(setting(value), 120)


def _what(run: RunView) -> str:
    if run.status.is_final:
        return f"{look_of(run).word.lower()}. {run.headline}"
    if run.status is RunStatus.TRAINING and run.step and not run.is_stopping:
        newest = f", loss {loss(run.loss)}" if run.loss is not None else ""
        return f"training {run.step:,} of {run.total:,}{newest}"
    return run.headline


def _evaluation(run: RunView) -> str:
    if run.result is None:
        return "" if run.eval_loss is None else loss(run.eval_loss)
    before, after = loss(run.result.first_eval_loss), loss(run.result.eval_loss)
    if run.result.eval_perplexity is None:
        return f"{before} → {after}"
    return f"{before} → {after}, perplexity {loss(run.result.eval_perplexity)}"


def _taken(run: RunView) -> str:
    if run.ended_at is None:
        return ""
    return duration((run.ended_at - run.created_at).total_seconds())


def _share(part: int, whole: int) -> str:
    return f"{significant(100 * part / whole)} %" if whole else "0 %"
