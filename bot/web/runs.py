"""Runs: the list, one with all that its page shows, and what people do with it."""

from dataclasses import replace
from typing import Any

from bot.domain.people import Person, ThreadKind
from bot.domain.run import Run, Source
from bot.domain.view import RunView
from bot.ports import RunQuery
from bot.web.cursor import decode, encode
from bot.web.endpoint import Call, Web
from bot.web.queries import RunsFilter
from bot.web.schema import (
    Nothing,
    Reason,
    Rejection,
    Right,
    RunDetail,
    RunList,
    RunRights,
    TrialOf,
)
from trainer.contract.recipe import recipes

PLACES = {
    ThreadKind.PERSONAL: "a personal chat",
    ThreadKind.GROUP: "a group chat",
    ThreadKind.CHANNEL: "a channel",
    ThreadKind.CONSOLE: "the console",
}


async def list_runs(call: Call[RunsFilter, Nothing]) -> RunList:
    """Return a page of runs."""
    asked = call.query
    page = await call.service.runs(
        RunQuery(
            statuses=frozenset(asked.status),
            requester_id=asked.person,
            recipe=asked.recipe,
            text=asked.q,
            limit=asked.limit,
            before=decode(asked.cursor) if asked.cursor is not None else None,
        )
    )
    views = await call.service.views(page.runs)
    following = encode(page.next) if page.next else None
    return RunList(runs=[_shown(view) for view in views], total=page.total, next=following)


async def get_run(call: Call[Nothing, Nothing]) -> RunDetail:
    """Return one run."""
    return await detail(call, await call.service.get(call.id))


async def cancel_run(call: Call[Nothing, Reason]) -> RunDetail:
    """Wish that the run ends early."""
    run = await call.service.cancel(call.somebody, call.id, call.body.reason, Source.WEB)
    return await detail(call, run)


async def approve_run(call: Call[Nothing, Nothing]) -> RunDetail:
    """Agree to somebody else's run."""
    return await detail(call, await call.service.approve(call.somebody, call.id, Source.WEB))


async def reject_run(call: Call[Nothing, Rejection]) -> RunDetail:
    """Refuse somebody else's run, with a reason."""
    run = await call.service.reject(call.somebody, call.id, call.body.reason, Source.WEB)
    return await detail(call, run)


async def detail(call: Call[Any, Any], run: Run) -> RunDetail:
    """Return all that the page of a run shows, for the person who asks."""
    recipe = recipes().get(run.spec.recipe)
    return RunDetail(
        run=_shown(await call.service.view(run)),
        spec=run.spec,
        spec_sha256=run.spec_sha256,
        recipe_spec=recipe.spec if recipe else None,
        differences=list(run.plan.differences),
        rights=_rights(call.world, call.person, run),
        threads=sorted({PLACES[thread.kind] for thread in run.threads}),
        pipeline_url=run.seen.pipeline.url if run.seen.pipeline else None,
        trial=await _trial(call, run),
        version=run.version,
    )


async def _trial(call: Call[Any, Any], run: Run) -> TrialOf | None:
    if run.sweep is None:
        return None
    sweep = await call.service.sweeps.get(run.sweep)
    trial = next(each for each in sweep.trials if each.run_id == run.id)
    return TrialOf(
        sweep=sweep.id,
        name=sweep.name,
        number=trial.number,
        trials=len(sweep.trials),
        values=trial.point,
        is_best=sweep.best == run.id,
    )


def _shown(view: RunView) -> RunView:
    """Return the picture without the approval's key, which belongs to the card alone."""
    if view.approval is None:
        return view
    return replace(view, approval=replace(view.approval, key=""))


def _rights(world: Web, person: Person | None, run: Run) -> RunRights:
    if person is None:
        nobody = Right(allowed=False, why=world.who_are_you)
        return RunRights(cancel=nobody, approve=nobody, reject=nobody, rerun=nobody, promote=nobody)
    rights = world.service.run_rights(person, run)
    return RunRights(
        cancel=Right(allowed=rights.cancel.allowed, why=rights.cancel.why),
        approve=Right(allowed=rights.approve.allowed, why=rights.approve.why),
        reject=Right(allowed=rights.reject.allowed, why=rights.reject.why),
        rerun=Right(allowed=rights.rerun.allowed, why=rights.rerun.why),
        promote=Right(allowed=rights.promote.allowed, why=rights.promote.why),
    )
