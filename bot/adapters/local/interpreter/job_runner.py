"""Run one job: its workspace, its variables, its steps one after the other."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.local.interpreter.agent import Setting, base_environment, job_variables
from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.evaluate import Scope
from bot.adapters.local.interpreter.plan import Job, Stage
from bot.adapters.local.interpreter.secrets import Secrets
from bot.adapters.local.interpreter.status import Outcome, Result, step_statuses
from bot.adapters.local.interpreter.step_runner import JobState, StepRunner
from bot.adapters.local.interpreter.steps import Step
from bot.adapters.local.interpreter.stop import Stop
from bot.adapters.local.interpreter.timeline import Record, Timeline
from bot.adapters.local.interpreter.variables import Variable, Variables, computed
from bot.adapters.local.interpreter.workspace import Workspace
from bot.adapters.local.processes import end_marked


@dataclass(frozen=True)
class JobOrder:
    """Which job of which run, and what it may know of what ran before it."""

    setting: Setting
    stage: Stage
    job: Job
    variables: Variables
    scope: Scope
    secrets: Secrets
    timeline: Timeline
    record: Record


async def run_job(order: JobOrder, ends: asyncio.Event, *, is_spared: bool) -> Outcome:
    """Run it in a workspace of its own, which is gone afterwards, until `ends` is set."""
    name = f"{order.stage.name}.{order.job.name}"
    workspace = Workspace(order.setting.folder / "work" / name)
    workspace.create()
    stop = Stop()
    waits = asyncio.create_task(_pass_on(ends, stop, order.job, is_spared=is_spared))
    mark = f"{order.setting.mark}.{name}"
    try:
        return await _JobRunner(order, workspace, stop, mark).run()
    finally:
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        stop.close()
        await asyncio.to_thread(end_marked, mark)
        workspace.remove()


async def _pass_on(ends: asyncio.Event, stop: Stop, job: Job, *, is_spared: bool) -> None:
    """End the job when the run is to end, or when its own time is up.

    A job that is spared (`condition: always()`) has had that time when `ends` is set.
    """
    try:
        await asyncio.wait_for(ends.wait(), job.timeout_min * 60)
    except TimeoutError:
        stop.timed_out = True
    stop.ask(0 if is_spared else job.cancel_timeout_min * 60)


class _JobRunner:
    def __init__(self, order: JobOrder, workspace: Workspace, stop: Stop, mark: str) -> None:
        self._order, self._stop = order, stop
        self._status = Result.SUCCEEDED
        variables = order.variables.copy()
        known = job_variables(order.stage, order.job, workspace)
        known |= order.setting.service.job_variables(order.stage.name, order.job.name)
        for name, value in known.items():
            variables.set(Variable(name, value))
        for declared in order.job.variables:
            variables.set(computed(declared, order.scope))
        variables.resolve()
        setting = order.setting
        environment = base_environment(setting.environment, setting.home, mark)
        self._state = JobState(
            setting, workspace, variables, order.secrets, order.timeline, environment
        )

    async def run(self) -> Outcome:
        timeline, record = self._order.timeline, self._order.record
        timeline.begin(record)
        for step, step_record in zip(self._order.job.steps, record.children, strict=True):
            if self._stop.asked.is_set():
                self._status = Result.CANCELED
            if step.enabled and self._holds(step, step_record):
                await self._step(step, step_record)
            else:
                timeline.skip(step_record)
        if self._stop.timed_out:
            minutes = f"{self._order.job.timeout_min:g}"
            timeline.issue(record, "error", f"The job ran longer than its {minutes} minutes.")
        result = self._status
        if result is Result.FAILED and self._order.job.continue_on_error:
            result = Result.ISSUES
        timeline.end(record, result)
        return Outcome(result, self._outputs())

    def _outputs(self) -> dict[str, str]:
        """Return what steps gave out; those of a deployment carry its name too, as on Azure."""
        job = self._order.job
        prefix = f"{job.name}." if job.environment else ""
        return {f"{prefix}{name}": value for name, value in self._state.outputs.items()}

    def _holds(self, step: Step, record: Record) -> bool:
        self._state.variables.set(Variable("Agent.JobStatus", str(self._status)))
        names = {"variables": self._state.variables.value()}
        try:
            return step.condition.holds(Scope(names, step_statuses(self._status)))
        except PipelineError as error:
            self._order.timeline.issue(record, "error", str(error))
            self._status = Result.FAILED
            return False

    async def _step(self, step: Step, record: Record) -> None:
        timeline = self._order.timeline
        record.display_name = self._state.variables.fill(step.display_name)
        record.log = self._log_name(record)
        timeline.begin(record)
        path = self._order.setting.folder / record.log
        with path.open("w", encoding="utf-8") as log:
            prefix = self._order.setting.service.log_prefix
            log.write(f"{prefix()}##[section]Starting: {record.display_name}\n")
            result = await StepRunner(self._state, step, record, log).run(self._stop.for_next)
            log.write(f"{prefix()}##[section]Finishing: {record.display_name}\n")
        if result is Result.FAILED and step.continue_on_error:
            result = Result.ISSUES
        timeline.end(record, result)
        if result is Result.CANCELED or self._status is Result.CANCELED:
            self._status = Result.CANCELED
        elif result is Result.FAILED or self._status is Result.FAILED:
            self._status = Result.FAILED
        elif result is Result.ISSUES:
            self._status = Result.ISSUES

    def _log_name(self, record: Record) -> str:
        number = self._order.record.children.index(record) + 1
        slug = re.sub(r"[^A-Za-z0-9]+", "-", record.name or record.display_name).strip("-")[:40]
        stem = f"{self._order.stage.name}.{self._order.job.name}.{number:02d}-{slug or 'step'}"
        return str(Path("logs") / f"{stem}.log")
