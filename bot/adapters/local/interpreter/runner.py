"""Run a plan: stages and jobs as their dependencies and conditions allow."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.adapters.local.interpreter.agent import Setting, run_variables
from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.evaluate import Scope
from bot.adapters.local.interpreter.job_runner import JobOrder, run_job
from bot.adapters.local.interpreter.plan import Job, Plan, Stage
from bot.adapters.local.interpreter.secrets import Secrets
from bot.adapters.local.interpreter.status import (
    Outcome,
    Result,
    graph_statuses,
    outcomes_value,
    overall,
    stage_outcomes_value,
)
from bot.adapters.local.interpreter.stop import Stop
from bot.adapters.local.interpreter.timeline import Record, Timeline
from bot.adapters.local.interpreter.variables import Declared, Variable, Variables, computed

Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True)
class _Unit:
    """A stage or job in its graph. `run` gets what it depends on, and what ends it."""

    part: Stage | Job
    record: Record
    run: Callable[[Outcomes, asyncio.Event], Awaitable[Outcome]]
    scope: Callable[[Outcomes, Outcomes], Scope]


@dataclass(frozen=True)
class _Sight:
    """What is the same for all jobs of a stage; `spared`: it began although the run was to end."""

    variables: Variables
    stages: Outcomes
    spared: bool = False


async def run_plan(plan: Plan, setting: Setting, timeline: Timeline, stop: Stop) -> Result:
    """Run everything; raises OSError when nothing can be written any more."""
    outcomes = await run_stages(plan, setting, timeline, stop)
    return overall(outcome.result for outcome in outcomes.values())


async def run_stages(plan: Plan, setting: Setting, timeline: Timeline, stop: Stop) -> Outcomes:
    """Run everything and return what each stage leaves, by its name."""
    return await _Run(plan, setting, timeline, stop).stages()


class _Run:
    def __init__(self, plan: Plan, setting: Setting, timeline: Timeline, stop: Stop) -> None:
        self._plan, self._setting, self._timeline, self._stop = plan, setting, timeline, stop
        self._secrets = Secrets()
        variables = Variables(Variable(*each) for each in run_variables(setting).items())
        for secret in (each for each in setting.service.variables if each.secret):
            variables.set(secret)
            self._secrets.add(secret.value)
        timeline.number = Variables(_known(plan.variables, variables)).fill(plan.number)
        variables.set(Variable("Build.BuildNumber", timeline.number))
        self._variables = _declare(variables, plan.variables, Scope({}))

    async def stages(self) -> Outcomes:
        units = [
            _Unit(stage, record, self._stage(stage, record), self._stage_scope)
            for stage, record in zip(self._plan.stages, self._timeline.stages, strict=True)
        ]
        return await self._graph(units, self._setting.service.earlier)

    def _stage_scope(self, parents: Outcomes, ancestors: Outcomes) -> Scope:
        return self._scope(_Sight(self._variables, {}), parents, ancestors)

    def _stage(
        self, stage: Stage, record: Record
    ) -> Callable[[Outcomes, asyncio.Event], Awaitable[Outcome]]:
        async def run(parents: Outcomes, ends: asyncio.Event) -> Outcome:
            denied = await self._denied(stage, ends)
            if denied is not None:
                self._timeline.end(record, denied)
                return Outcome(denied)
            scope = Scope({"dependencies": outcomes_value(parents)})
            variables = _declare(self._variables.copy(), stage.variables, scope)

            sight = _Sight(variables, parents, spared=self._stop.spares(ends))

            def job_scope(jobs: Outcomes, ancestors: Outcomes) -> Scope:
                return self._scope(sight, jobs, ancestors)

            self._timeline.begin(record)
            units = [
                _Unit(job, child, self._job(stage, job, child, sight), job_scope)
                for job, child in zip(stage.jobs, record.children, strict=True)
            ]
            outcomes = await self._graph(units)
            result = overall(outcome.result for outcome in outcomes.values())
            self._timeline.end(record, result)
            outputs = {
                f"{job}.{name}": value
                for job, outcome in outcomes.items()
                for name, value in outcome.outputs.items()
            }
            return Outcome(result, outputs, outcomes)

        return run

    async def _denied(self, stage: Stage, ends: asyncio.Event) -> Result | None:
        """Wait until the stage may begin; return what becomes of it instead, if it may not."""
        asks = asyncio.create_task(self._setting.service.gate(stage))
        stops = asyncio.create_task(ends.wait())
        try:
            await asyncio.wait({asks, stops}, return_when=asyncio.FIRST_COMPLETED)
            return Result.CANCELED if ends.is_set() else asks.result()
        finally:
            for task in (asks, stops):
                task.cancel()
            await asyncio.gather(asks, stops, return_exceptions=True)

    def _job(
        self, stage: Stage, job: Job, record: Record, sight: _Sight
    ) -> Callable[[Outcomes, asyncio.Event], Awaitable[Outcome]]:
        async def run(parents: Outcomes, ends: asyncio.Event) -> Outcome:
            order = JobOrder(
                self._setting,
                stage,
                job,
                sight.variables,
                self._scope(sight, parents, parents),
                self._secrets,
                self._timeline,
                record,
            )
            return await run_job(order, ends, is_spared=self._stop.spares(ends))

        return run

    def _scope(self, sight: _Sight, parents: Outcomes, ancestors: Outcomes) -> Scope:
        names = {
            "variables": sight.variables.value(),
            "dependencies": outcomes_value(parents),
            "stageDependencies": stage_outcomes_value(sight.stages),
        }
        results = {name: outcome.result for name, outcome in ancestors.items()}
        cancelled = self._stop.asked.is_set()
        return Scope(names, graph_statuses(results, cancelled=cancelled, spared=sight.spared))

    async def _graph(self, units: Sequence[_Unit], earlier: Outcomes | None = None) -> Outcomes:
        """Run `units`, each when those that it depends on have ended; return all outcomes."""
        outcomes: dict[str, Outcome] = dict(earlier or {})
        parents = {unit.part.name: _canonical(unit.part.depends_on, units) for unit in units}
        ended = {unit.part.name: asyncio.Event() for unit in units}

        async def one(unit: _Unit) -> None:
            name = unit.part.name
            for parent in parents[name]:
                await ended[parent].wait()
            direct = {parent: outcomes[parent] for parent in parents[name]}
            above = {each: outcomes[each] for each in _ancestors(name, parents)}
            if name not in outcomes:
                outcomes[name] = await self._unit(unit, direct, above)
            ended[name].set()

        async with asyncio.TaskGroup() as group:
            for unit in units:
                group.create_task(one(unit))
        return {unit.part.name: outcomes[unit.part.name] for unit in units}

    async def _unit(self, unit: _Unit, direct: Outcomes, above: Outcomes) -> Outcome:
        ends = self._stop.for_next  # as its condition sees it: later it would be another
        try:
            if unit.part.condition.holds(unit.scope(direct, above)):
                return await unit.run(direct, ends)
        except PipelineError as error:
            self._timeline.issue(unit.record, "error", str(error))
            self._timeline.end(unit.record, Result.FAILED)
            return Outcome(Result.FAILED)
        self._timeline.skip(unit.record)
        self._timeline.save()
        return Outcome(Result.SKIPPED)


def _declare(variables: Variables, declared: Sequence[Declared], scope: Scope) -> Variables:
    """Add `declared`, each of which may name those before it."""
    for each in declared:
        inner = scope.with_name("variables", variables.value())
        variables.set(computed(each, inner))
    variables.resolve()
    return variables


def _known(declared: Sequence[Declared], variables: Variables) -> list[Variable]:
    """Return the variables that the run's own name may use: those that need no computing."""
    plain = [Variable(each.name, each.value) for each in declared if each.expression is None]
    return [*variables.all(), *plain]


def _canonical(names: Sequence[str], units: Sequence[_Unit]) -> list[str]:
    by_lower = {unit.part.name.lower(): unit.part.name for unit in units}
    return [by_lower[name.lower()] for name in names]


def _ancestors(name: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    open_names = list(parents[name])
    while open_names:
        parent = open_names.pop()
        if parent not in found:
            found.add(parent)
            open_names.extend(parents[parent])
    return found
