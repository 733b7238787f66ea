"""What the files of a job's folder say: pure once they are read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.adapters.local.files import read_json
from bot.adapters.local.supervisor import Supervisor, read_supervisor
from bot.domain.run import JobSeen, JobState
from trainer.contract.job import JobRequest

RESUMABLE = 75  # the trainer's exit code: "preempted, go on from the last checkpoint"
GRACE_S = 30.0  # from SIGTERM to SIGKILL: a checkpoint of a small model takes a few seconds
MAX_LOSSES = 3  # a job whose supervisor died this often starts again; once more and it failed
TAIL_LINES = 20
TAIL_BYTES = 16384


@dataclass(frozen=True)
class JobFiles:
    """A job's folder, read once; `is_alive` tells of the supervisor at that moment."""

    folder: Path
    request: JobRequest | None
    supervisor: Supervisor | None
    is_alive: bool
    exit: dict[str, Any] | None
    cancel: dict[str, Any] | None
    fault: str | None = None

    @property
    def is_unsettled(self) -> bool:
        """Return whether a supervisor died without saying how its attempt ended."""
        if self.supervisor is None or self.is_alive:
            return False
        return self.exit is None or int(self.exit["attempt"]) < self.supervisor.attempt

    @property
    def losses(self) -> int:
        """Return how often a supervisor died, the unsettled one included."""
        return int((self.exit or {}).get("losses", 0)) + int(self.is_unsettled)


def read_files(folder: Path) -> JobFiles:
    """Read a job's folder. The supervisor is asked last: if it lives, no exit was overlooked."""
    fault, request = None, None
    try:
        request = JobRequest.model_validate_json((folder / "job.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        pass  # never submitted
    except ValidationError as error:
        fault = f"{folder / 'job.json'} cannot be used: {error.errors()[0]['msg']}."
    supervisor = read_supervisor(folder)
    is_alive = supervisor is not None and supervisor.is_alive
    return JobFiles(
        folder=folder,
        request=request,
        supervisor=supervisor,
        is_alive=is_alive,
        # Read after the look at the process: an exit is written before the process ends.
        exit=read_json(folder / "exit.json"),
        cancel=read_json(folder / "cancel.json"),
        fault=fault,
    )


def state(files: JobFiles) -> tuple[JobState, int]:
    """Return the state and the attempt that is running, due or was the last."""
    if files.fault is not None:
        return JobState.FAILED, 1
    if files.request is None:
        return JobState.ABSENT, 1
    attempt = files.supervisor.attempt if files.supervisor is not None else 0
    if files.is_unsettled:
        if files.cancel is not None:
            return JobState.CANCELLED, attempt
        lost_for_good = files.losses > MAX_LOSSES
        return (JobState.FAILED, attempt) if lost_for_good else (JobState.WAITING, attempt + 1)
    if files.exit is not None and int(files.exit["attempt"]) >= attempt:
        return _ended(files, int(files.exit["attempt"]))
    if files.is_alive:
        return JobState.RUNNING, attempt
    return (JobState.WAITING if files.cancel is None else JobState.CANCELLED), 1


def _ended(files: JobFiles, attempt: int) -> tuple[JobState, int]:
    said = JobState((files.exit or {})["state"])
    if said is not JobState.WAITING:
        return said, attempt
    return (JobState.CANCELLED, attempt) if files.cancel is not None else (said, attempt + 1)


def next_attempt(files: JobFiles) -> int | None:
    """Return the attempt that may begin now; None when none is due or a death is unsettled."""
    now, attempt = state(files)
    return attempt if now is JobState.WAITING and not files.is_unsettled else None


def settled(files: JobFiles) -> dict[str, Any]:
    """Return the `exit.json` that a dead supervisor still owes."""
    now, _ = state(files)
    died = files.supervisor
    before = files.exit or {}
    started_at = died.started_at if died is not None else 0.0
    busy_s = before.get("busy_s", 0.0)
    if before:
        busy_s += before["ended_at"] - before["started_at"]
    fault = f"The job's supervisor was killed {files.losses} times."
    return {
        "attempt": died.attempt if died is not None else 1,
        "state": str(now),
        "exit_code": None,
        "signal": None,
        "fault": fault if now is JobState.FAILED else None,
        "started_at": started_at,
        "ended_at": max(started_at, _last_sign(files.folder)),
        "busy_s": busy_s,
        "losses": files.losses,
        "first_started_at": before.get("first_started_at") or before.get("started_at"),
    }


def seen(files: JobFiles, position: int | None, now: float) -> JobSeen:
    """Return the job as the port tells it."""
    what, attempt = state(files)
    said = settled(files) if files.is_unsettled else files.exit or {}
    is_over = what in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
    ended_at = said.get("ended_at") or (files.cancel or {}).get("at")
    return JobSeen(
        state=what,
        attempt=attempt,
        position=position if what is JobState.WAITING else None,
        exit_code=_exit_code(said),
        started_at=_time(_first_start(files, said)),
        ended_at=_time(ended_at) if is_over else None,
        busy_s=_busy_s(files, said, now),
        fault=files.fault or said.get("fault"),
        log_tail=tail(files.folder / "log.txt") if what is JobState.FAILED else (),
    )


def _first_start(files: JobFiles, said: dict[str, Any]) -> float | None:
    if said:
        return said.get("first_started_at") or said.get("started_at")
    return files.supervisor.started_at if files.supervisor is not None else None


def _busy_s(files: JobFiles, said: dict[str, Any], now: float) -> float:
    busy_s = float(said.get("busy_s", 0.0))
    if said:
        busy_s += said["ended_at"] - said["started_at"]
    if files.is_alive and files.supervisor is not None and state(files)[0] is JobState.RUNNING:
        busy_s += max(0.0, now - files.supervisor.started_at)
    return busy_s


def _exit_code(said: dict[str, Any]) -> int | None:
    """Return the code; a signal is told as shells do: 128 and its number."""
    if said.get("signal") is not None:
        return 128 + int(said["signal"])
    return said.get("exit_code")


def _last_sign(folder: Path) -> float:
    """Return when something of the job was last written: it ran at least until then."""
    files = [folder / "log.txt", folder / "output" / "progress.jsonl"]
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def tail(path: Path) -> tuple[str, ...]:
    """Return the last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    return tuple(text.splitlines()[-TAIL_LINES:])
