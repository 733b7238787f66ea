"""The timeline of a run as the build API shows it: stages, checkpoints, phases, jobs, tasks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.local.interpreter.plan import Stage
from bot.adapters.local.interpreter.plan import Step as PlannedStep
from bot.adapters.local.interpreter.status import Result
from tests.azure_twin.devops.answers import lower, stamp
from tests.azure_twin.devops.checks import APPROVED, PENDING, Approval, Checkpoint, Checks
from tests.azure_twin.devops.model import API, Run

Record = dict[str, Any]
STATES = {"pending": "pending", "running": "inProgress", "completed": "completed"}
# What the service calls the tasks that we have; ids as in microsoft/azure-pipelines-tasks.
TASKS = {
    "AzureCLI": ("46e4be58-730b-4389-8a2f-ea10b3e5e815", "2.0.0"),
    "UsePythonVersion": ("33c63b11-352b-45a2-ba1b-54cb568a29ca", "0.0.0"),
    "CmdLine": ("d9bafed4-0b18-4f58-968d-86655b4d2ce9", "2.0.0"),
    "Bash": ("6c731c3c-3c68-459a-a5c9-bde6e6595b5b", "3.0.0"),
    "PublishPipelineArtifact": ("ecdc45f6-832d-4ad9-b52b-ee49e94659be", "1.0.0"),
    "DownloadPipelineArtifact": ("61f2a582-95ae-4948-b34d-a1b3c4f6a737", "2.0.0"),
}
CHECKOUT_TASK = {"id": "6d15af64-176c-496d-b583-fd2ae21d4df4", "name": "Checkout", "version": "1"}


@dataclass(frozen=True)
class _Place:
    """Where a record stands."""

    kind: str
    path: tuple[str, ...]
    parent: str | None
    order: int
    name: str
    identifier: str
    ref_name: str | None = None


def timeline(run: Run, checks: Checks) -> dict[str, Any]:
    """Return the run's timeline with the newest attempt of each stage."""
    records = list(_records(run, checks))
    return {
        "records": records,
        "lastChangedBy": "00000002-0000-8888-8000-000000000000",
        "lastChangedOn": stamp(run.changed_at),
        "id": str(run.plan_id),
        "changeId": run.change,
        "url": f"{API}/build/builds/{run.id}/Timeline/{run.plan_id}",
    }


def attempt_of(run: Run, stage: str) -> int:
    """Return the number of the attempt in which the stage ran last."""
    numbers = [each.number for each in run.attempts if stage not in each.earlier]
    return numbers[-1] if numbers else 1


def _records(run: Run, checks: Checks) -> Iterator[Record]:
    told = run.attempt.document["stages"]
    for order, (stage, document) in enumerate(zip(run.plan.stages, told, strict=True), start=1):
        attempt = attempt_of(run, stage.name)
        place = _Place("Stage", ("stage", stage.name, str(attempt)), None, order,
                       document["display_name"] or stage.name, stage.name)  # fmt: skip
        record = _record(run, place, document, attempt)
        record["previousAttempts"] = [
            {
                "attempt": number,
                "timelineId": str(run.plan_id),
                "recordId": run.record_id("stage", stage.name, str(number)),
            }
            for number in range(1, attempt)
        ]
        yield record
        checkpoint = checks.of(run, attempt, stage.name)
        if checkpoint is not None:
            yield from _checkpoint(run, record, checkpoint)
        yield from _jobs(run, record, stage, document)


def _jobs(run: Run, above: Record, stage: Stage, document: Record) -> Iterator[Record]:
    for order, (job, told) in enumerate(zip(stage.jobs, document["children"], strict=True), 1):
        attempt = above["attempt"]
        path = (stage.name, job.name, str(attempt))
        name, full = told["display_name"] or job.name, f"{stage.name}.{job.name}"
        phase = _Place("Phase", ("phase", *path), above["id"], order, name, full, job.name)
        phase_record = _record(run, phase, told, attempt)
        yield phase_record
        place = _Place("Job", ("job", *path), phase_record["id"], 1, name, f"{full}.__default",
                       "__default")  # fmt: skip
        record = _record(run, place, told, attempt)
        record["issues"] = _issues(told)
        record["workerName"] = "Azure Pipelines 1" if told["started_at"] else None
        if run.waits_for and told["state"] == "pending":
            record["currentOperation"] = run.waits_for
        yield record
        yield from _tasks(run, record, job.steps, told)


def _tasks(
    run: Run, above: Record, steps: tuple[PlannedStep, ...], document: Record
) -> Iterator[Record]:
    for order, (step, told) in enumerate(zip(steps, document["children"], strict=True), start=1):
        path = ("task", above["id"], str(order))
        place = _Place("Task", path, above["id"], order, told["display_name"],
                       step.name or f"{step.does}{order}", step.name or None)  # fmt: skip
        record = _record(run, place, told, above["attempt"])
        record["task"] = _task(step)
        record["issues"] = _issues(told)
        record["log"] = _log(run, told)
        record["resultCode"] = None
        yield record


def _record(run: Run, place: _Place, told: Record, attempt: int) -> Record:
    """Return a record of any kind from what the interpreter's timeline says of it."""
    issues = _issues(told)
    return {
        "previousAttempts": [],
        "id": run.record_id(*place.path),
        "parentId": place.parent,
        "type": place.kind,
        "name": place.name,
        "startTime": stamp(told["started_at"]),
        "finishTime": stamp(told["ended_at"]),
        "currentOperation": None,
        "percentComplete": 100 if told["state"] == "completed" else None,
        "state": STATES[told["state"]],
        "result": told["result"] and lower(told["result"]),
        "resultCode": None,
        "changeId": run.change,
        "lastModified": "0001-01-01T00:00:00",
        "workerName": None,
        "order": place.order,
        "details": None,
        "errorCount": sum(issue["type"] == "error" for issue in issues),
        "warningCount": sum(issue["type"] == "warning" for issue in issues),
        "url": None,
        "log": None,
        "task": None,
        "attempt": attempt,
        "identifier": place.identifier,
        "refName": place.ref_name,
        "issues": issues,
    }


def _issues(told: Record) -> list[Record]:
    return [
        {
            "type": issue["type"],
            "category": "General",
            "message": issue["message"],
            "data": {"type": issue["type"]},
        }
        for issue in told["issues"]
    ]


def _log(run: Run, told: Record) -> Record | None:
    log = run.log_of(log_path(run, told)) if told["log"] else None
    if log is None:
        return None
    url = f"{API}/build/builds/{run.id}/logs/{log.id}"
    return {"id": log.id, "type": "Container", "url": url}


def _task(step: PlannedStep) -> Record:
    if step.does == "checkout":
        return CHECKOUT_TASK
    name = {"python": "UsePythonVersion", "publish": "PublishPipelineArtifact",
            "download": "DownloadPipelineArtifact"}.get(step.does, "Bash")  # fmt: skip
    if "connection" in step.inputs:
        name = "AzureCLI"
    id_, version = TASKS[name]
    return {"id": id_, "name": name, "version": version}


def _checkpoint(run: Run, above: Record, checkpoint: Checkpoint) -> Iterator[Record]:
    path = ("checkpoint", above["id"])
    place = _Place("Checkpoint", path, above["id"], 0, "Checkpoint", "Checkpoint", "Checkpoint")
    told = _told(checkpoint.started_at, checkpoint.ended_at, _check_result(checkpoint))
    record = _record(run, place, told, above["attempt"])
    yield record
    if checkpoint.permission is not None:
        yield _permission(run, record, checkpoint)
    for order, approval in enumerate(checkpoint.approvals, start=1):
        yield _approval(run, record, approval, order)
    if checkpoint.lock is not None:
        ended = None if checkpoint.lock == PENDING else checkpoint.ended_at
        result = {"granted": Result.SUCCEEDED, "canceled": Result.CANCELED}.get(checkpoint.lock)
        name = "Checkpoint.ExclusiveLock"
        place = _Place(name, (*path, "lock"), record["id"], 9, name, name, name)
        yield _record(run, place, _told(checkpoint.started_at, ended, result), above["attempt"])


def _check_result(checkpoint: Checkpoint) -> Result | None:
    if checkpoint.is_open:
        return None
    return checkpoint.result or Result.SUCCEEDED


def _permission(run: Run, above: Record, checkpoint: Checkpoint) -> Record:
    name = "Checkpoint.Authorization"
    place = _Place(name, ("permission", above["id"]), above["id"], 1, name, name, name)
    is_granted = checkpoint.permission == "granted"
    ended = checkpoint.started_at if is_granted else None
    told = _told(checkpoint.started_at, ended, Result.SUCCEEDED if is_granted else None)
    return _record(run, place, told, above["attempt"])


def _approval(run: Run, above: Record, approval: Approval, order: int) -> Record:
    name = "Checkpoint.Approval"
    place = _Place(name, ("",), above["id"], order, name, approval.environment.name, name)
    result = None
    if approval.status != PENDING:
        result = Result.SUCCEEDED if approval.status == APPROVED else Result.FAILED
    ended = None if result is None else approval.changed_at
    record = _record(run, place, _told(approval.created_at, ended, result), above["attempt"])
    return {**record, "id": approval.id}


def _told(started: float, ended: float | None, result: Result | None) -> Record:
    return {
        "started_at": started,
        "ended_at": ended,
        "state": "running" if result is None else "completed",
        "result": result,
        "issues": [],
    }


def log_path(run: Run, told: Record) -> Path:
    """Return where a step's log is; one of an earlier attempt is named from the newest."""
    return Path(os.path.normpath(run.attempt.folder / told["log"]))
