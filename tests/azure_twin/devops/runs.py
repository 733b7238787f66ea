"""The life of a run: queued, given an agent, followed through its stages, cancelled, retried."""

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.local.files import read_json
from bot.adapters.local.interpreter.plan import Stage
from bot.adapters.local.interpreter.status import Result
from bot.adapters.local.interpreter.timeline import Timeline
from bot.adapters.local.processes import end_marked, new_mark
from tests.azure_twin.devops.answers import RefusalError
from tests.azure_twin.devops.briefing import agent_request, known_variables
from tests.azure_twin.devops.checks import Checks
from tests.azure_twin.devops.events import Event, changes, run_event
from tests.azure_twin.devops.model import (
    CANCELLING,
    COMPLETED,
    IN_PROGRESS,
    NOT_STARTED,
    Attempt,
    Cause,
    Definition,
    LogFile,
    Run,
)
from tests.azure_twin.devops.organisation import Organisation
from tests.azure_twin.devops.outcome import close_record, downstream, moved, run_result
from tests.azure_twin.devops.people import BUILD_SERVICE
from tests.azure_twin.devops.pool import NoGrantError, Pool, Seat, in_line
from tests.azure_twin.devops.timeline import log_path
from tests.azure_twin.devops.validation import Order, number_of, planned
from tests.azure_twin.devops.worker import Worker, agent_environment
from tests.azure_twin.entra.tokens import DEVOPS
from tests.azure_twin.world import DEVOPS_ISSUER

LOST = (
    "We stopped hearing from agent Azure Pipelines 1. Verify the agent machine is running and has "
    "a healthy network connection. Anything that terminates an agent process, starves it for CPU, "
    "or blocks its network access can cause this error."
)
TOKEN_LIFE_S = 48 * 3600.0  # of a job's access token; the run's end ends it earlier

Publish = Callable[[Event], None]


@dataclass
class Runs:
    """All runs of the organisation. `publish` hears of each change of state."""

    organisation: Organisation
    checks: Checks
    publish: Publish
    pool: Pool = field(default_factory=Pool)
    _workers: dict[int, Worker] = field(default_factory=dict)
    _tasks: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)

    def queue(self, definition: Definition, order: Order, cause: Cause) -> Run:
        """Queue a run; raises RefusalError for what the service does not queue."""
        known = known_variables(self.organisation, definition, cause, order)
        found = planned(self.organisation, definition, Order(order.parameters, known))
        run_id = self.organisation.new_run_id()
        known |= {"Build.BuildId": str(run_id)}
        now = self.organisation.now()
        run = Run(
            id=run_id,
            definition=definition,
            number=number_of(found, known),
            cause=cause,
            plan=found,
            parameters=dict(order.parameters),
            variables=dict(order.variables),
            folder=self.organisation.folder / "runs" / str(run_id),
            queued_at=now,
            changed_at=now,
        )
        self._add_attempt(run, {})
        self.organisation.runs[run.id] = run
        self._begin(run)
        return run

    def cancel(self, run: Run) -> None:
        """Ask a run to end; one that is over stays as it is."""
        if run.is_over or run.status == CANCELLING:
            return
        if run.status == NOT_STARTED:
            self._tasks[run.id].cancel()
            self._end(run, "canceled", Result.CANCELED)
            return
        run.status = CANCELLING
        self._changed(run)
        self.publish(run_event(run, self.organisation.now()))
        self._workers[run.id].cancel()

    async def wait(self, run: Run) -> None:
        """Wait until nothing of the run goes on any more."""
        await asyncio.wait({self._tasks[run.id]})

    def kill_agent(self, run: Run) -> None:
        """Let the run's machine be gone."""
        self._workers[run.id].kill()

    def retry(self, run: Run, stage_name: str) -> None:
        """Run a stage again, and what depends on it; raises RefusalError where that cannot be."""
        stage = run.stage(stage_name)
        if stage is None or not run.is_over or not run.attempt.outcomes:
            raise RefusalError(
                400,
                "Microsoft.TeamFoundation.Build.WebApi.InvalidBuildException",
                f"The stage {stage_name} of build {run.id} cannot be retried now.",
            )
        again = downstream(run, stage)
        kept = {n: o for n, o in run.attempt.outcomes.items() if n not in again}
        self._add_attempt(run, kept)
        run.status, run.result, run.finished_at = NOT_STARTED, None, None
        self._begin(run)

    async def close(self) -> None:
        """Leave no agent behind."""
        for worker in self._workers.values():
            worker.kill()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- one run

    def _begin(self, run: Run) -> None:
        run.token = self._mint(run)
        self._tasks[run.id] = self.organisation.twin.spawn(self._live(run))

    def _mint(self, run: Run) -> str:
        return self.organisation.twin.tokens.mint(
            DEVOPS,
            issuer=DEVOPS_ISSUER,
            lifetime_s=TOKEN_LIFE_S,
            oid=BUILD_SERVICE,
            sub=BUILD_SERVICE,
            orchid=f"{run.plan_id}.{secrets.token_hex(4)}",
            run=run.id,
        )

    def _add_attempt(self, run: Run, kept: Mapping[str, Any]) -> None:
        number = len(run.attempts) + 1
        folder = run.folder / f"attempt-{number}"
        folder.mkdir(parents=True)
        timeline = Timeline(folder / "state.json", run.plan, time.time)
        timeline.number, timeline.tags = run.number, list(run.tags)
        timeline.save()
        document = read_json(folder / "state.json") or {}
        if run.attempts:
            before = run.attempt
            if (before.folder / "artifacts").exists():
                shutil.copytree(before.folder / "artifacts", folder / "artifacts")
            document["stages"] = [
                moved(old, before.folder.name) if old["name"] in kept else new
                for old, new in zip(before.document["stages"], document["stages"], strict=True)
            ]
        run.attempts.append(Attempt(number, folder, document, dict(kept)))

    async def _live(self, run: Run) -> None:
        seat = Seat(self.pool)
        run.waits_for = in_line(len(self.pool.line) + 1)
        try:
            await seat.take()
            run.waits_for = None
            await self._work(run, seat)
        except NoGrantError as error:
            self._fail(run, str(error))
        finally:
            run.waits_for = None
            seat.give()

    async def _work(self, run: Run, seat: Seat) -> None:
        run.status, run.started_at = IN_PROGRESS, run.started_at or self.organisation.now()
        self._changed(run)
        self.publish(run_event(run, self.organisation.now()))
        mark = new_mark()
        gates: set[asyncio.Task[None]] = set()

        def hear(message: Mapping[str, Any]) -> None:
            if message["kind"] == "timeline":
                self._hear(run, message["document"])
            else:
                stage = run.stage(message["stage"])
                assert stage is not None
                gates.add(asyncio.ensure_future(self._gate(run, stage, worker, seat)))

        worker = self._workers[run.id] = Worker(run.attempt.folder, hear)
        request = agent_request(self.organisation, run, mark)
        try:
            said = await worker.run(request, agent_environment(self.organisation.twin.environment))
        finally:
            for gate in gates:
                gate.cancel()
            await asyncio.gather(*gates, return_exceptions=True)
            await asyncio.to_thread(end_marked, mark)
        if said is None:
            self._fail(run, LOST)
            return
        run.attempt.outcomes = said["outcomes"]
        self._end(run, run_result(run, Result(said["result"])))

    async def _gate(self, run: Run, stage: Stage, worker: Worker, seat: Seat) -> None:
        """Let the stage wait for its checks; an agent is not needed meanwhile."""
        result = None
        if self.checks.stand_before(run, stage):
            seat.give()
            result = await self.checks.gate(run, stage, lambda: self._changed(run))
            await seat.take()
        worker.answer(stage.name, result)

    def _hear(self, run: Run, document: dict[str, Any]) -> None:
        """Take over what the agent tells: states, logs, tags."""
        old, now = run.attempt.document, self.organisation.now()
        run.attempt.document = document
        run.tags += [
            tag for tag in dict.fromkeys(document["tags"])
            if tag not in run.tags and tag not in run.deleted_tags
        ]  # fmt: skip
        self._note_logs(run, document, now)
        self._changed(run)
        for stage, before in zip(document["stages"], old["stages"], strict=True):
            planned_stage = run.stage(stage["name"])
            if stage["state"] == "completed" != before["state"] and planned_stage is not None:
                self.checks.free(run, planned_stage)
        for event in changes(run, old, document, now):
            self.publish(event)

    def _note_logs(self, run: Run, document: Mapping[str, Any], now: float) -> None:
        for stage in document["stages"]:
            for job in stage["children"]:
                for step in (step for step in job["children"] if step["log"]):
                    path = log_path(run, step)
                    if run.log_of(path) is None:
                        run.logs.append(LogFile(len(run.logs) + 1, path, now))

    def _fail(self, run: Run, message: str) -> None:
        """End the run at once: its first job that is not over fails with `message`."""
        document = run.attempt.document
        open_jobs = [
            (stage, job)
            for stage in document["stages"]
            for job in stage["children"]
            if job["state"] != "completed"
        ]
        for stage, job in open_jobs[:1]:
            job["issues"].append({"type": "error", "message": message})
            for record in (stage, job):
                record |= {"state": "completed", "result": Result.FAILED, "ended_at": time.time()}
        self._end(run, "failed", Result.SKIPPED)

    def _end(self, run: Run, result: str, of_open: Result = Result.SKIPPED) -> None:
        for stage in run.attempt.document["stages"]:
            close_record(stage, of_open)
        for planned_stage in run.plan.stages:
            self.checks.free(run, planned_stage)
        now = self.organisation.now()
        run.status, run.result, run.finished_at = COMPLETED, result, now
        self._changed(run)
        self.publish(run_event(run, now))

    def _changed(self, run: Run) -> None:
        run.change += 1
        run.changed_at = self.organisation.now()
