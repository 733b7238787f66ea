"""Answers to typed commands: one method a command, each returning what to say."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.chat import words
from bot.chat.grammar import (
    About,
    Cancel,
    Command,
    Help,
    Queue,
    Reject,
    Rerun,
    Runs,
    Train,
    Whoami,
)
from bot.chat.promoting import (
    PromotionCommand,
    answer_promotion,
)
from bot.chat.promotion_commands import about_promotion
from bot.chat.scheduling import ScheduleCommand, answer_schedule
from bot.chat.sweeping import SweepCommand, about_sweep, answer_sweep
from bot.chat.turn import Turn
from bot.domain.drafting import plan_post
from bot.domain.forms import free_faults
from bot.domain.people import Person
from bot.domain.posts import (
    FormPost,
    HelpPost,
    LogsPost,
    MetricRow,
    MetricsPost,
    Post,
    QueuePost,
    RunPost,
    RunsPost,
    TextPost,
    WhoamiPost,
)
from bot.domain.run import Run, RunStatus, Source
from bot.errors import FieldFault, InputError
from bot.ports import MetricsQuery, RunQuery, Series
from bot.service import Service
from trainer.contract.recipe import DEFAULT_RECIPE, find_recipe, recipes

LOG_LINES = 20
LISTED_RUNS = 10
SMALLER_IS_BETTER = ("loss", "eval_loss", "eval_perplexity", "grad_norm")


class Commands:
    """What each command does; needs nothing but the service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def answer(self, turn: Turn, command: Command) -> Sequence[Post]:
        """Return what to say to the command."""
        if isinstance(command, Whoami):
            return [await self._whoami(turn)]
        if isinstance(command, Help):
            return [self._help(command)]
        person = await self._service.person(turn.actor)
        match command:
            case Train():
                return [await self.train(person, turn, command)]
            case Runs():
                return [await self._runs(person, command)]
            case Rerun():
                return [await self._rerun(person, turn, command)]
            case Cancel() | Reject() | About():
                return await self._about(person, command)
            case _:
                return [await self._ahead(person, turn, command)]

    async def _whoami(self, turn: Turn) -> Post:
        person = await self._service.person(turn.actor)
        return WhoamiPost(
            name=person.name,
            person_id=person.id,
            tenant=person.tenant,
            role=person.role,
            rights=self._service.rights(person),
            notice=words.LOCAL_NOTICE if self._service.is_local else "",
        )

    def _help(self, command: Help) -> Post:
        if command.topic is not None:
            return HelpPost((words.COMMANDS[command.topic],))
        greeting = words.GREETING if command.is_greeting else ""
        return HelpPost(tuple(words.COMMANDS.values()), greeting)

    async def train(self, person: Person, turn: Turn, command: Train) -> Post:
        """Return the plan; the form where no recipe was named or something is wrong."""
        if command.recipe is None:
            return self.form(turn.key, DEFAULT_RECIPE, command.changes)
        return await self.plan(person, turn, command.recipe, command.changes)

    async def plan(
        self, person: Person, turn: Turn, recipe: str, changes: Mapping[str, Any]
    ) -> Post:
        """Return the plan card, or the form again with what was typed and what is wrong."""
        nonce = f"{turn.key}/{_digest(recipe, changes)}"
        try:
            draft = await self._service.draft(
                person, recipe=recipe, changes=changes, nonce=nonce, thread=turn.thread
            )
        except InputError as error:
            if recipe not in recipes():
                raise
            faults = error.faults or (FieldFault("", str(error)),)
            return self.form(turn.key, recipe, changes, faults)
        return plan_post(draft)

    def form(
        self,
        nonce: str,
        recipe_name: str,
        typed: Mapping[str, Any],
        faults: Sequence[FieldFault] = (),
    ) -> FormPost:
        """Return the form of a recipe; an unknown one is refused with the nearest."""
        fields = self._service.fields(recipe_name, typed, faults)
        recipe = find_recipe(recipe_name)
        return FormPost(
            nonce=nonce,
            recipe=recipe.name,
            recipe_title=recipe.title,
            recipe_description=recipe.description,
            fields=fields,
            fault=free_faults(faults, fields),
        )

    async def _runs(self, person: Person, command: Runs) -> Post:
        query = query_of(command, person, LISTED_RUNS)
        page = await self._service.runs(query)
        if not page.runs:
            is_filtered = query != RunQuery(limit=LISTED_RUNS)
            return TextPost(
                words.NO_RUNS_MATCH if is_filtered else words.NO_RUNS, suggestions=("train",)
            )
        more = page.total - len(page.runs)
        return RunsPost(
            title="Your runs" if command.mine else "Runs",
            runs=await self._service.views(page.runs),
            total=page.total,
            hint=f"{more} more on the page." if more else "",
        )

    async def _ahead(
        self,
        person: Person,
        turn: Turn,
        command: Queue | ScheduleCommand | PromotionCommand | SweepCommand,
    ) -> Post:
        """Answer what asks for things to come: machines, schedules, sweeps, promotions."""
        if isinstance(command, SweepCommand):
            return await answer_sweep(self._service, person, turn, command)
        if isinstance(command, PromotionCommand):
            return await answer_promotion(self._service, person, turn, command)
        if isinstance(command, ScheduleCommand):
            now, schedules = self._service.now(), self._service.schedules
            return await answer_schedule(schedules, person, turn.thread, command, now)
        clusters, waiting = await self._service.queue()
        return QueuePost(tuple(clusters), await self._service.views(waiting))

    async def _rerun(self, person: Person, turn: Turn, command: Rerun) -> Post:
        run = await self._run_meant(person, command.reference, "rerun")
        draft = await self._service.rerun(person, run.id, turn.key, turn.thread, command.changes)
        return plan_post(draft)

    async def _about(self, person: Person, command: Cancel | Reject | About) -> Sequence[Post]:
        promotion = await about_promotion(self._service, person, command)
        if promotion is not None:
            return [promotion]
        verb, reason = _verb_of(command)
        sweep = await about_sweep(self._service, person, verb, command.reference, reason)
        if sweep is not None:
            return [sweep]
        if isinstance(command, Cancel):
            run = await self._run_meant(person, command.reference, "cancel")
            run = await self._service.cancel(person, run.id, command.reason, Source.CHAT)
            said = words.STOPPED if run.status.is_final else words.STOPPING
            return [TextPost(said.format(name=run.spec.name))]
        if isinstance(command, Reject):
            run = await self._run_to_decide(command.reference)
            run = await self._service.reject(person, run.id, command.reason, Source.CHAT)
            text = words.REJECTED.format(name=run.spec.name, requester=run.requester.name)
            return [TextPost(text)]
        if command.verb == "approve":
            run = await self._run_to_decide(command.reference)
            run = await self._service.approve(person, run.id, Source.CHAT)
            return [TextPost(words.APPROVED.format(name=run.spec.name), tone="good")]
        run = await self._run_meant(person, command.reference, command.verb)
        if command.verb == "logs":
            return [await self._logs(run)]
        if command.verb == "metrics":
            return [await self._metrics(run)]
        return [RunPost(await self._service.view(run))]

    async def _run_meant(self, person: Person, reference: str | None, verb: str) -> Run:
        """Return the run named, or the person's newest."""
        if reference is not None:
            return await self._service.find(reference)
        page = await self._service.runs(RunQuery(requester_id=person.id, limit=1))
        if not page.runs:
            example = f"{verb} run-20260101-abc234"
            raise InputError(words.NO_OWN_RUNS.format(example=example))
        return page.runs[0]

    async def _run_to_decide(self, reference: str | None) -> Run:
        """Return the run named, or the only one that waits for approval."""
        if reference is not None:
            return await self._service.find(reference)
        waiting = frozenset({RunStatus.AWAITING_APPROVAL})
        page = await self._service.runs(RunQuery(statuses=waiting, limit=LISTED_RUNS))
        if not page.runs:
            raise InputError(words.NOTHING_TO_DECIDE)
        if len(page.runs) > 1:
            names = ", ".join(f"`{run.id}` ({run.spec.name})" for run in page.runs)
            raise InputError(words.WHICH_TO_DECIDE.format(runs=names))
        return page.runs[0]

    async def _logs(self, run: Run) -> Post:
        log = await self._service.log(run.id, -LOG_LINES, LOG_LINES)
        if not log.lines:
            return TextPost(words.NO_LOG.format(name=run.spec.name, status=_state(run)))
        return LogsPost(run.id, run.spec.name, log.lines, log.first, log.total)

    async def _metrics(self, run: Run) -> Post:
        metrics = await self._service.metrics(run.id, MetricsQuery(buckets=1000))
        rows = tuple(row for s in metrics.series if (row := _row(s, metrics.steps)) is not None)
        if not rows:
            return TextPost(words.NO_METRICS.format(name=run.spec.name, status=_state(run)))
        return MetricsPost(await self._service.view(run), rows)


def _verb_of(command: Cancel | Reject | About) -> tuple[str, str]:
    if isinstance(command, About):
        return command.verb, ""
    return ("cancel" if isinstance(command, Cancel) else "reject"), command.reason


def query_of(command: Runs, person: Person, limit: int) -> RunQuery:
    """Return what `runs` asks the store for."""
    return RunQuery(
        statuses=command.statuses,
        requester_id=person.id if command.mine else None,
        recipe=command.recipe,
        text=command.text,
        limit=limit,
    )


def _digest(recipe: str, changes: Mapping[str, Any]) -> str:
    """Return what tells two submissions of one form apart: the same values make one draft."""
    text = json.dumps([recipe, sorted(changes.items())], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _state(run: Run) -> str:
    return run.status.replace("_", " ")


def _row(series: Series, steps: Sequence[float]) -> MetricRow | None:
    """Return a metric's last and best value with their steps; None without a point."""
    small = series.key in SMALLER_IS_BETTER
    bests = series.low if small else series.high
    points = [(value, step) for value, step in zip(bests, steps, strict=True) if value is not None]
    lasts = [(v, step) for v, step in zip(series.last, steps, strict=True) if v is not None]
    if not points or not lasts:
        return None
    best = (min if small else max)(points)
    return MetricRow(series.key, lasts[-1][0], int(lasts[-1][1]), best[0], int(best[1]))
