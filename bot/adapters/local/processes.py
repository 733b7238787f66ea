"""Processes that outlive their parent: known by pid and start time, ended with all they started."""

import contextlib
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "KRSP_SUPERVISED"  # in the environment of whatever a supervisor starts
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
KILL_WAIT_S = 5.0  # a killed process that stays longer hangs in the kernel; nothing helps then


# The bot's own settings are none of a job's business (a database's address, an app's password).
_OURS = re.compile(r"KRSP_|MicrosoftApp")


@dataclass(frozen=True, slots=True)
class Identity:
    """One process: a pid alone may by now belong to another."""

    pid: int
    born: str

    @property
    def is_alive(self) -> bool:
        """Return whether exactly this process runs; a zombie does not."""
        return self._process() is not None

    def terminate(self) -> None:
        """Send SIGTERM, if it is still there."""
        process = self._process()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            is_it = _birth(process) == self.born
            return process if is_it and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.NoSuchProcess, ProcessLookupError):
            return None


def myself() -> Identity:
    """Return the identity of this process."""
    process = psutil.Process()
    return Identity(process.pid, _birth(process))


def _birth(process: psutil.Process) -> str:
    """Return when the process began, in a form that no later setting of the clock changes.

    psutil's `create_time` is in wall time: it moves with the clock, and a job would look dead.
    Field 22 of /proc/PID/stat counts ticks since the boot that BOOT_ID names (man proc_pid_stat).
    """
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = BOOT_ID.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return str(process.create_time())
    # The command's name, in parentheses, may hold blanks: count from behind it.
    return f"{boot}:{stat.rpartition(')')[2].split()[19]}"


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what jobs and steps may see of the bot's own environment."""
    return {name: value for name, value in environment.items() if not _OURS.match(name)}


def new_mark() -> str:
    """Return a value for MARK that nobody else has."""
    return secrets.token_hex(16)


def end_marked(mark: str, grace_s: float = 0.0) -> int:
    """End every process that carries `mark`; SIGTERM first if it gets time. Returns how many."""
    found = marked(mark)
    if grace_s > 0:
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _wait(found, grace_s)
    deadline = time.monotonic() + KILL_WAIT_S
    # Again until none is left: one of them may have started another meanwhile.
    while (left := marked(mark)) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _wait(left, KILL_WAIT_S)
    return len(found)


def marked(mark: str) -> list[psutil.Process]:
    """Return the running processes that carry `mark` or one below it (`mark.` and more).

    Those of other people cannot be read and are not ours.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            if process.status() != psutil.STATUS_ZOMBIE:
                carried = process.environ().get(MARK, "")
                if carried == mark or carried.startswith(f"{mark}."):
                    found.append(process)
    return found


def _wait(processes: list[psutil.Process], timeout_s: float) -> None:
    """Wait until none of them runs.

    Not by psutil's own `wait`: of a child it takes the exit code, for which its parent waits.
    """
    deadline = time.monotonic() + timeout_s
    while any(_runs(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
