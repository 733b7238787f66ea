"""Runs one attempt of a job, detached from the bot: `python -m <this> FOLDER SLOTS [--gpus]`."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.adapters.local.files import read_json
from bot.adapters.local.interpreter.process import signal_group
from bot.adapters.local.job_state import GRACE_S, RESUMABLE, next_attempt, read_files
from bot.adapters.local.processes import MARK, end_marked, inherited
from bot.adapters.local.supervisor import Desk, Seat, supervise
from trainer.contract.allocator import with_allocator
from trainer.contract.job import JobRequest


def main(arguments: list[str]) -> int:
    """Supervise the job in the folder that is named, in the slots that are numbered."""
    folder, slots = Path(arguments[0]), tuple(int(each) for each in arguments[1].split(","))
    seat = Seat(slots, has_gpus="--gpus" in arguments[2:])
    return supervise(folder, lambda path: next_attempt(read_files(path)), work, seat)


def work(desk: Desk) -> dict[str, Any]:
    """Run the command; return what `exit.json` says."""
    request = read_files(desk.folder).request
    if request is None:
        return {"state": "failed", "fault": "job.json is gone."}
    before = read_json(desk.folder / "exit.json") or {}
    try:
        code = asyncio.run(_run(desk, request))
    except OSError as error:
        return {
            "state": "failed",
            "fault": f"The command could not be run: {error}.",
            **_sums(before),
        }
    is_cancelled = (desk.folder / "cancel.json").exists()
    return {**_ending(code, is_cancelled=is_cancelled), **_sums(before)}


def _ending(code: int, *, is_cancelled: bool) -> dict[str, Any]:
    """Return what an exit code means: done wins over cancelled, cancelled over all else."""
    number = -code if code < 0 else None
    known: dict[str, Any] = {
        "exit_code": None if code < 0 else code,
        "signal": number,
        "fault": None,
    }
    if code == 0:
        return {**known, "state": "succeeded"}
    if is_cancelled:
        return {**known, "state": "cancelled"}
    if code == RESUMABLE:
        return {**known, "state": "waiting"}
    if number == signal.SIGKILL:
        known["fault"] = "The job was killed from outside; often the machine ran out of memory."
    elif number is not None:
        known["fault"] = f"The job was ended by {signal.Signals(number).name}."
    return {**known, "state": "failed"}


def _sums(before: dict[str, Any]) -> dict[str, Any]:
    """Return what is carried over all attempts."""
    spent = before.get("busy_s", 0.0)
    if before:
        spent += before["ended_at"] - before["started_at"]
    return {
        "busy_s": spent,
        "losses": before.get("losses", 0),
        "first_started_at": before.get("first_started_at") or before.get("started_at"),
    }


async def _run(desk: Desk, request: JobRequest) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if (desk.folder / "cancel.json").exists():
        stop.set()
    with (desk.folder / "log.txt").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *request.command,
            cwd=request.cwd,
            env=_environment(desk, request),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ends, stops = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ends, stops}, return_when=asyncio.FIRST_COMPLETED)
    if not ends.done():
        cancel = read_json(desk.folder / "cancel.json") or {}
        signal_group(process.pid, signal.SIGTERM)
        await asyncio.wait({ends}, timeout=float(cancel.get("grace_s", GRACE_S)))
    # The trainer's workers may outlive it, and whatever it started in a session of its own.
    await asyncio.to_thread(end_marked, desk.mark)
    stops.cancel()
    return await ends


def _environment(desk: Desk, request: JobRequest) -> dict[str, str]:
    environment = {**inherited(os.environ), **request.env, MARK: desk.mark}
    environment["KRSP_ATTEMPT"] = str(desk.attempt)
    if desk.seat.has_gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(each) for each in desk.seat.slots)
    return with_allocator(environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
