"""Runs one pipeline run to its end, detached from the bot: `python -m <this> FOLDER`."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bot.adapters.local.files import read_json
from bot.adapters.local.interpreter.agent import Setting, run_variables
from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import plan
from bot.adapters.local.interpreter.runner import run_plan
from bot.adapters.local.interpreter.status import GOOD, Result
from bot.adapters.local.interpreter.stop import Stop
from bot.adapters.local.interpreter.timeline import Timeline
from bot.adapters.local.interpreter.workspace import revision
from bot.adapters.local.supervisor import Desk, supervise

FINAL_S = 300.0  # what `condition: always()` may still take after a cancel, as on Azure


def main(arguments: list[str]) -> int:
    """Supervise the run in the folder that is named."""
    return supervise(Path(arguments[0]), _next_attempt, work)


def _next_attempt(folder: Path) -> int | None:
    """Return 1 for a run that nobody ever worked on: a pipeline run is never begun again."""
    begun = (folder / "supervisor.json").exists() or (folder / "exit.json").exists()
    return None if begun or read_json(folder / "request.json") is None else 1


def work(desk: Desk) -> dict[str, Any]:
    """Interpret the file; return what `exit.json` says. Raises OSError on a full disk."""
    try:
        result = asyncio.run(_run(desk))
    except PipelineError as error:
        return {"state": "failed", "fault": str(error)}
    except BaseExceptionGroup as group:
        raise _first(group) from group
    if _is_cancelled(desk.folder) and result not in {*GOOD, Result.FAILED}:
        return {"state": "cancelled", "fault": None}
    if result is None:
        return {"state": "lost", "fault": "The machine ended the pipeline before it was done."}
    is_good = result in {*GOOD, Result.SKIPPED}
    return {"state": "succeeded" if is_good else "failed", "fault": None}


async def _run(desk: Desk) -> Result | None:
    """Return the run's result; None when it was ended although nobody cancelled it."""
    request = read_json(desk.folder / "request.json") or {}
    setting = _setting(desk, request)
    document = load(
        setting.repository, setting.pipeline, request["parameters"], run_variables(setting)
    )
    planned = plan(document)
    (desk.folder / "logs").mkdir(exist_ok=True)
    timeline = Timeline(desk.folder / "state.json", planned, time.time)
    stop = Stop()
    is_shut_down = False

    def on_signal() -> None:
        nonlocal is_shut_down
        is_shut_down = not _is_cancelled(desk.folder)
        stop.ask(0 if is_shut_down else FINAL_S)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, on_signal)
    if _is_cancelled(desk.folder):
        stop.ask(FINAL_S)
    try:
        result = await run_plan(planned, setting, timeline, stop)
    finally:
        stop.close()
    if stop.asked.is_set() and any(stage.result is Result.SKIPPED for stage in timeline.stages):
        # Asked between two stages: what ran went well, and yet it did not come to its end.
        result = Result.FAILED if result is Result.FAILED else Result.CANCELED
    return None if is_shut_down and result not in GOOD else result


def _setting(desk: Desk, request: dict[str, Any]) -> Setting:
    repository = Path(request["repository"])
    return Setting(
        run_id=request["run_id"],
        repository=repository,
        pipeline=request["pipeline"],
        folder=desk.folder,
        home=Path(request["home"]),
        requested_by=request["requested_by"],
        revision=revision(repository),
        environment=dict(os.environ),
        mark=desk.mark,
        grace_s=float(request["grace_s"]),
    )


def _is_cancelled(folder: Path) -> bool:
    return (folder / "cancel.json").exists()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first fault of a group of groups: the others follow from it or are like it."""
    fault = group.exceptions[0]
    return _first(fault) if isinstance(fault, BaseExceptionGroup) else fault


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
