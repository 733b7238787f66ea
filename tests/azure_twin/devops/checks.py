"""What a stage must pass before it begins: people's approvals, then exclusive locks."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.local.interpreter.plan import Stage
from bot.adapters.local.interpreter.status import Result
from tests.azure_twin.devops.answers import stamp
from tests.azure_twin.devops.model import API, Connection, Environment, Run
from tests.azure_twin.devops.people import Identity

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"
TIMED_OUT, CANCELED = "timedOut", "canceled"


@dataclass
class Step:
    """What one approver has said."""

    approver: Identity
    initiated_at: float
    status: str = PENDING
    comment: str = ""
    actual: Identity | None = None
    changed_at: float | None = None

    def document(self, order: int) -> dict[str, Any]:
        said = {}
        if self.actual is not None:
            said = {
                "actualApprover": self.actual.reference(),
                "lastModifiedBy": self.actual.reference(),
                "comment": self.comment,
            }
        return {
            "assignedApprover": self.approver.reference(),
            "status": self.status,
            "initiatedOn": stamp(self.initiated_at),
            "lastModifiedOn": stamp(self.changed_at or self.initiated_at),
            "order": order,
            "history": [],
            **said,
        }


@dataclass
class Approval:
    """An environment's approval check for one stage of one run; its id is its record's."""

    id: str
    run: Run
    stage: str
    environment: Environment
    steps: list[Step]
    created_at: float
    changed_at: float
    status: str = PENDING
    decided: asyncio.Event = field(default_factory=asyncio.Event)

    def document(self) -> dict[str, Any]:
        run = self.run
        return {
            "id": self.id,
            "steps": [step.document(order) for order, step in enumerate(self.steps, start=1)],
            "status": self.status,
            "createdOn": stamp(self.created_at),
            "lastModifiedOn": stamp(self.changed_at),
            "executionOrder": "anyOrder",
            "minRequiredApprovers": self.environment.minimum,
            "blockedApprovers": [],
            "instructions": self.environment.instructions,
            "pipeline": {
                "owner": {
                    "_links": {"web": {"href": run.web_url()}},
                    "id": run.id,
                    "name": run.number,
                },
                "id": str(run.definition.id),
                "name": run.definition.name,
            },
            "_links": {"self": {"href": f"{API}/pipelines/approvals/{self.id}"}},
        }

    def end(self, status: str, now: float) -> None:
        self.status, self.changed_at = status, now
        self.decided.set()


@dataclass
class Checkpoint:
    """Everything that one stage waited for: what the timeline shows below it."""

    run: Run
    stage: str
    started_at: float
    approvals: list[Approval] = field(default_factory=list)
    permission: str | None = None  # pending, then granted
    lock: str | None = None  # pending, then granted or canceled
    result: Result | None = None
    is_open: bool = True
    ended_at: float | None = None


@dataclass
class _Waiter:
    run: Run
    behavior: str
    ready: "asyncio.Future[bool]"


@dataclass
class Locks:
    """Exclusive locks by resource: one stage at a time; who else waits is sorted by behaviour."""

    _holders: dict[str, Run] = field(default_factory=dict)
    _lines: dict[str, list[_Waiter]] = field(default_factory=dict)

    async def take(self, resource: str, run: Run, behavior: str) -> bool:
        """Wait for the lock; return False for a run that a later one has overtaken."""
        waiter = _Waiter(run, behavior, asyncio.get_running_loop().create_future())
        line = self._lines.setdefault(resource, [])
        line.append(waiter)
        self._pass_on(resource)
        try:
            return await waiter.ready
        finally:
            if waiter in line:
                line.remove(waiter)

    def free(self, resource: str, run: Run) -> None:
        if self._holders.get(resource) is run:
            del self._holders[resource]
            self._pass_on(resource)

    def _pass_on(self, resource: str) -> None:
        """Give the lock to the next: the first of the line, or with runLatest the newest run."""
        line = self._lines.get(resource, [])
        if resource in self._holders or not line:
            return
        chosen = line[0]
        if chosen.behavior != "sequential":
            chosen = max(line, key=lambda waiter: waiter.run.id)
            for waiter in [w for w in line if w.run.id < chosen.run.id]:
                line.remove(waiter)
                _settle(waiter, is_mine=False)
        line.remove(chosen)
        self._holders[resource] = chosen.run
        _settle(chosen, is_mine=True)


def _settle(waiter: _Waiter, *, is_mine: bool) -> None:
    if not waiter.ready.done():
        waiter.ready.set_result(is_mine)


def environments_of(stage: Stage, known: dict[str, Environment]) -> Iterator[Environment]:
    """Yield each environment that the stage deploys to, once."""
    names = dict.fromkeys(job.environment for job in stage.jobs if job.environment)
    yield from (known[name] for name in names if name in known)


Tell = Callable[[str, Approval], None]


@dataclass
class Checks:
    """Asks people, then locks. `tell` hears of `pending` and `completed` approvals."""

    environments: dict[str, Environment]
    connections: dict[str, Connection]
    now: Callable[[], float]
    tell: Tell
    approvals: dict[str, Approval] = field(default_factory=dict)
    locks: Locks = field(default_factory=Locks)
    checkpoints: dict[tuple[int, int, str], Checkpoint] = field(default_factory=dict)
    _permitted: list["asyncio.Future[None]"] = field(default_factory=list)

    def of(self, run: Run, attempt: int, stage: str) -> Checkpoint | None:
        return self.checkpoints.get((run.id, attempt, stage))

    def stand_before(self, run: Run, stage: Stage) -> bool:
        """Return whether the stage uses anything that is checked."""
        return bool(self._checked(stage) or self._forbidden(run, stage))

    def look_again(self) -> None:
        """Let runs that wait for permission see whether they have it now."""
        for waiting in self._permitted:
            if not waiting.done():
                waiting.set_result(None)

    def _forbidden(self, run: Run, stage: Stage) -> list[str]:
        """Return the connections that the stage uses and that are not open to its pipeline."""
        names = {step.inputs.get("connection", "") for job in stage.jobs for step in job.steps}
        used = (self.connections[name] for name in sorted(names) if name in self.connections)
        return [each.name for each in used if not each.is_open_to(run.definition.id)]

    def _checked(self, stage: Stage) -> list[Environment]:
        found = environments_of(stage, self.environments)
        return [one for one in found if one.approvers or one.is_exclusive]

    async def gate(self, run: Run, stage: Stage, changed: Callable[[], None]) -> Result | None:
        """Wait until the stage may begin (None), or return what becomes of it."""
        checkpoint = Checkpoint(run, stage.name, self.now())
        self.checkpoints[run.id, run.attempt.number, stage.name] = checkpoint
        changed()
        try:
            checkpoint.result = await self._pass(checkpoint, stage, self._checked(stage))
        except asyncio.CancelledError:
            checkpoint.result = Result.CANCELED
            self._withdraw(checkpoint)
            raise
        finally:
            checkpoint.is_open, checkpoint.ended_at = False, self.now()
            changed()
        return checkpoint.result

    def free(self, run: Run, stage: Stage) -> None:
        """Give back the locks of a stage that has ended."""
        for environment in environments_of(stage, self.environments):
            self.locks.free(environment.name, run)

    async def _pass(
        self, checkpoint: Checkpoint, stage: Stage, checked: list[Environment]
    ) -> Result | None:
        run = checkpoint.run
        await self._permit(checkpoint, stage)
        for environment in (one for one in checked if one.approvers):
            checkpoint.approvals.append(self._ask(run, stage.name, environment))
        for approval in checkpoint.approvals:
            await approval.decided.wait()
            if approval.status != APPROVED:
                self._withdraw(checkpoint)
                return Result.FAILED
        for environment in (one for one in checked if one.is_exclusive):
            checkpoint.lock = PENDING
            if not await self.locks.take(environment.name, run, stage.lock_behavior):
                checkpoint.lock = CANCELED
                self.free(run, stage)
                return Result.CANCELED
            checkpoint.lock = "granted"
        return None

    async def _permit(self, checkpoint: Checkpoint, stage: Stage) -> None:
        """Wait until an administrator lets the pipeline use what it names."""
        while self._forbidden(checkpoint.run, stage):
            checkpoint.permission = PENDING
            waiting = asyncio.get_running_loop().create_future()
            self._permitted.append(waiting)
            try:
                await waiting
            finally:
                self._permitted.remove(waiting)
        if checkpoint.permission is not None:
            checkpoint.permission = "granted"

    def _ask(self, run: Run, stage: str, environment: Environment) -> Approval:
        now = self.now()
        path = ("approval", str(run.attempt.number), stage, environment.name)
        steps = [Step(approver, now) for approver in environment.approvers]
        approval = Approval(run.record_id(*path), run, stage, environment, steps, now, now)
        self.approvals[approval.id] = approval
        self.tell("pending", approval)
        return approval

    def _withdraw(self, checkpoint: Checkpoint) -> None:
        for approval in checkpoint.approvals:
            if approval.status == PENDING:
                self.complete(approval, CANCELED)

    def complete(self, approval: Approval, status: str) -> None:
        """End an approval, and tell."""
        for step in approval.steps:
            if step.status == PENDING:
                step.status = "skipped" if status == APPROVED else status
        approval.end(status, self.now())
        self.tell("completed", approval)

    def decide(self, approval: Approval, who: Identity, status: str, comment: str) -> None:
        """Note what an approver says; the approval ends when enough have."""
        step = next(step for step in approval.steps if step.approver.id == who.id)
        step.status, step.comment, step.actual = status, comment, who
        step.changed_at = approval.changed_at = self.now()
        agreed = sum(each.status == APPROVED for each in approval.steps)
        if status == REJECTED or agreed >= approval.environment.minimum:
            self.complete(approval, status)
