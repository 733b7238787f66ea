"""What becomes of a run and its records when it ends, is cancelled or goes on in a new attempt."""

import time
from typing import Any

from bot.adapters.local.interpreter.plan import Stage
from bot.adapters.local.interpreter.status import Result
from tests.azure_twin.devops.model import CANCELLING, Run

RESULTS = {
    Result.SUCCEEDED: "succeeded",
    Result.ISSUES: "partiallySucceeded",
    Result.FAILED: "failed",
    Result.CANCELED: "canceled",
    Result.SKIPPED: "succeeded",
}


def run_result(run: Run, result: Result) -> str:
    """Return what became of the run; one that was cancelled is so unless all of it ran."""
    skipped = any(stage["result"] == Result.SKIPPED for stage in run.attempt.document["stages"])
    if run.status == CANCELLING and (skipped or result is Result.CANCELED):
        return "canceled"
    return RESULTS[result]


def close_record(record: dict[str, Any], result: Result) -> None:
    """Let a record that nobody will end any more be over."""
    if record["state"] != "completed":
        ended = time.time() if record["started_at"] else None
        record |= {"state": "completed", "result": result, "ended_at": ended}
    for child in record["children"]:
        close_record(child, result)


def moved(record: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return a stage of an earlier attempt with its logs named from the next one's folder."""
    log = record["log"] and f"../{folder}/{record['log']}"
    children = [moved(child, folder) for child in record["children"]]
    return {**record, "log": log, "children": children}


def downstream(run: Run, stage: Stage) -> set[str]:
    again = {stage.name}
    for _ in run.plan.stages:
        again |= {
            each.name
            for each in run.plan.stages
            if {parent.lower() for parent in each.depends_on} & {name.lower() for name in again}
        }
    return again
