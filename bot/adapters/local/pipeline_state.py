"""What the files of a pipeline run's folder say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.adapters.local.files import read_json
from bot.adapters.local.interpreter.status import Result
from bot.adapters.local.interpreter.timeline import PENDING, RUNNING
from bot.adapters.local.job_state import tail
from bot.adapters.local.supervisor import read_supervisor
from bot.domain.run import PipelineSeen, PipelineState, StageSeen

_RESULTS = {
    Result.SUCCEEDED: PipelineState.SUCCEEDED,
    Result.ISSUES: PipelineState.SUCCEEDED,
    Result.FAILED: PipelineState.FAILED,
    Result.CANCELED: PipelineState.CANCELLED,
    Result.SKIPPED: PipelineState.SKIPPED,
}
_STATES = {PENDING: PipelineState.QUEUED, RUNNING: PipelineState.RUNNING}
_LOST = "The pipeline's process was killed before it was done."

Record = dict[str, Any]


def seen(folder: Path) -> PipelineSeen | None:
    """Return the run as the port tells it; None when nobody ever worked on it."""
    supervisor = read_supervisor(folder)
    if supervisor is None:
        return None
    is_alive = supervisor.is_alive
    # Read after the look at the process: an exit is written before the process ends.
    said = read_json(folder / "exit.json")
    stages = (read_json(folder / "state.json") or {}).get("stages", [])
    state, fault = _state(folder, said, stages, is_alive=is_alive)
    shown = tuple(_stage(stage, is_over=state not in _STATES.values()) for stage in stages)
    step = _failed_step(stages) if state is PipelineState.FAILED else None
    fault = fault or _first_fault(stages)
    if step is None:
        return PipelineSeen(state, shown, fault=fault)
    fault = fault or _fault(step)
    return PipelineSeen(state, shown, step["display_name"], fault, _tail(folder, step))


def is_over(folder: Path) -> bool:
    """Return whether nothing can follow."""
    supervisor = read_supervisor(folder)
    is_dead = supervisor is not None and not supervisor.is_alive
    return is_dead or read_json(folder / "exit.json") is not None


def is_unsettled(folder: Path) -> bool:
    """Return whether a supervisor died without saying how the run ended."""
    supervisor = read_supervisor(folder)
    is_dead = supervisor is not None and not supervisor.is_alive
    return is_dead and read_json(folder / "exit.json") is None


def settled(folder: Path, attempt: int, now: float) -> Record:
    """Return the `exit.json` that a dead supervisor still owes."""
    state, fault = _state(folder, None, [], is_alive=False)
    return {"attempt": attempt, "state": str(state), "fault": fault, "ended_at": now}


def log_lines(folder: Path) -> tuple[str, ...]:
    """Return the lines of all steps in the order in which they began."""
    stages = (read_json(folder / "state.json") or {}).get("stages", [])
    begun = sorted(
        (step for step in _steps(stages) if step["log"] and step["started_at"] is not None),
        key=lambda step: float(step["started_at"]),
    )
    lines: list[str] = []
    for step in begun:
        path = folder / step["log"]
        if path.exists():
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(lines)


def _state(
    folder: Path, said: Record | None, stages: list[Record], *, is_alive: bool
) -> tuple[PipelineState, str | None]:
    if said is not None:
        return PipelineState(said["state"]), said.get("fault")
    if not is_alive:
        is_cancelled = (folder / "cancel.json").exists()
        lost = (PipelineState.LOST, _LOST)
        return (PipelineState.CANCELLED, None) if is_cancelled else lost
    begun = any(stage["state"] != PENDING for stage in stages)
    return (PipelineState.RUNNING if begun else PipelineState.QUEUED), None


def _stage(record: Record, *, is_over: bool) -> StageSeen:
    if record["result"] is not None:
        state = _RESULTS[Result(record["result"])]
    elif is_over:
        # Its process died first: what was running is lost, what was to come never came.
        state = PipelineState.LOST if record["state"] == RUNNING else PipelineState.SKIPPED
    else:
        state = _STATES[record["state"]]
    return StageSeen(record["name"], state, _time(record["started_at"]), _time(record["ended_at"]))


def _steps(stages: list[Record]) -> Iterator[Record]:
    for stage in stages:
        for job in stage["children"]:
            yield from job["children"]


def _failed_step(stages: list[Record]) -> Record | None:
    """Return the step that failed, or the one during which its job's time was up."""
    for result in (Result.FAILED, Result.CANCELED):
        for step in _steps(stages):
            if step["result"] == result:
                return step
    return None


def _fault(record: Record) -> str | None:
    """Return what went wrong; how a script ended comes last and tells least."""
    errors = [issue["message"] for issue in record["issues"] if issue["type"] == "error"]
    return "\n".join(errors[:-1] or errors) or None


def _first_fault(stages: list[Record]) -> str | None:
    """Return the fault of a stage or job that failed before a step of it could."""
    records = [record for stage in stages for record in (stage, *stage["children"])]
    return next((fault for fault in map(_fault, records) if fault), None)


def _tail(folder: Path, step: Record) -> tuple[str, ...]:
    if not step["log"]:
        return ()
    return tuple(line for line in tail(folder / step["log"]) if not line.startswith("##[section]"))


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
