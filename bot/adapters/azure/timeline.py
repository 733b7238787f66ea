"""What a run's timeline says: its stages, the step that failed and why, what it waits for.

A timeline is a list of records that name their parents: Stage > Phase > Job > Task, and
Stage > Checkpoint > Checkpoint.Approval and its kin. Shapes: the SDK's `TimelineRecord`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.azure.devops import Approval
from bot.domain.redact import redact
from bot.domain.run import PipelineState, StageSeen

Record = Any  # azure.devops.v7_1.build.models.TimelineRecord

APPROVAL = "Checkpoint.Approval"
AUTHORIZATION = "Checkpoint.Authorization"

_RESULTS = {
    "succeeded": PipelineState.SUCCEEDED,
    "succeededWithIssues": PipelineState.SUCCEEDED,
    "failed": PipelineState.FAILED,
    "canceled": PipelineState.CANCELLED,
    "skipped": PipelineState.SKIPPED,
    "abandoned": PipelineState.LOST,
}
_STATES = {"pending": PipelineState.QUEUED, "inProgress": PipelineState.RUNNING}
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?")


@dataclass(frozen=True)
class Step:
    """A step that failed: how it is called, where its log is, and what it said."""

    name: str
    log_id: int | None
    fault: str | None


def stages(records: Sequence[Record]) -> tuple[StageSeen, ...]:
    """Return the stages in their order."""
    found = sorted(_of(records, "Stage"), key=lambda record: record.order or 0)
    return tuple(
        StageSeen(_stage_name(each), _state(each), each.start_time, each.finish_time)
        for each in found
    )


def state(state: PipelineState, seen: Sequence[StageSeen]) -> PipelineState:
    """Return the run's state: one that was taken up and has begun no stage is still queued."""
    is_idle = bool(seen) and all(each.state is PipelineState.QUEUED for each in seen)
    return PipelineState.QUEUED if state is PipelineState.RUNNING and is_idle else state


def failed_step(records: Sequence[Record]) -> Step | None:
    """Return the first step that failed, or the one during which its job's time was up."""
    tasks = sorted(_of(records, "Task"), key=_begun)
    for result in ("failed", "canceled"):
        for task in tasks:
            if task.state == "completed" and task.result == result:
                return Step(task.name, task.log.id if task.log else None, _fault(task))
    return None


def first_fault(records: Sequence[Record]) -> str | None:
    """Return why a stage or job failed before a step of it could: no agent, a refused approval."""
    by_id = {record.id: record for record in records}
    for record in sorted(records, key=_begun):
        if record.type == APPROVAL and record.result in ("failed", "skipped", "canceled"):
            return f"The approval of stage {_stage_of(record, by_id)} was not given."
    for kind in ("Job", "Phase", "Stage", "Checkpoint"):
        for record in sorted(_of(records, kind), key=_begun):
            fault = _fault(record)
            if fault is not None:
                return fault
    return None


def log_ids(records: Sequence[Record]) -> tuple[int, ...]:
    """Return the logs of all steps, in the order in which they began."""
    return tuple(task.log.id for task in sorted(_of(records, "Task"), key=_begun) if task.log)


def has_open_approval(records: Sequence[Record]) -> bool:
    """Return whether somebody has to decide."""
    return any(record.type == APPROVAL and record.state != "completed" for record in records)


def waits(
    records: Sequence[Record], approvals: Sequence[Approval], run_id: int, url: str
) -> tuple[str, ...]:
    """Return what somebody must decide in Azure DevOps first, a sentence each."""
    by_id = {record.id: record for record in records}
    ours = {each.id: each for each in approvals if each.run_id in (None, run_id)}
    found = []
    for record in sorted(records, key=_begun):
        if record.state == "completed" or not str(record.type).startswith("Checkpoint."):
            continue
        stage = _stage_of(record, by_id)
        if record.type == APPROVAL:
            approval = ours.get(record.id)
            by = f" by {' or '.join(approval.approvers)}" if approval and approval.approvers else ""
            found.append(f"Stage {stage} waits for an approval{by}: {url}")
        elif record.type == AUTHORIZATION:
            found.append(
                f"Stage {stage} waits for the permission to use a resource (a service connection, "
                f"an environment); who manages it can permit it: {url}"
            )
        else:
            found.append(f"Stage {stage} waits for a check: {url}")
    return tuple(dict.fromkeys(found))


def lines(log: Sequence[str]) -> tuple[str, ...]:
    """Return a log's lines without time stamps and without what looks like a secret."""
    text = "\n".join(_STAMP.sub("", line).rstrip("\r\n") for line in log)
    return tuple(redact(text).split("\n")) if log else ()


def tail(log: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the last lines that say something about the step rather than about the agent."""
    told = [line for line in lines(log) if line and not line.startswith("##[section]")]
    return tuple(told[-count:])


def _of(records: Sequence[Record], kind: str) -> Iterator[Record]:
    return (record for record in records if record.type == kind)


def _begun(record: Record) -> tuple[bool, float, int]:
    at = record.start_time
    return at is None, at.timestamp() if at else 0.0, record.order or 0


def _state(record: Record) -> PipelineState:
    if record.state == "completed":
        return _RESULTS.get(record.result or "", PipelineState.LOST)
    return _STATES.get(record.state or "", PipelineState.QUEUED)


def _stage_name(record: Record) -> str:
    """Return the name in the file: `name` is what people are shown."""
    return str(record.identifier or record.name)


def _stage_of(record: Record, by_id: Mapping[str, Record]) -> str:
    above: Record | None = record
    for _ in range(8):  # deeper than any timeline
        if above is None or above.type == "Stage":
            break
        above = by_id.get(above.parent_id)
    return str(above.name) if above is not None else "of the run"


def _fault(record: Record) -> str | None:
    """Return what went wrong; how a script ended comes last and tells least."""
    errors = [issue.message for issue in record.issues or () if issue.type == "error"]
    said = [redact(message) for message in errors if message]
    return "\n".join(said[:-1] or said) or None
