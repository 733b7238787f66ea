"""What both supervisors are: detached, alone for their folder, known by a file, with a last word.

A folder is one job or one pipeline run. `supervisor.json` says who works on it, `exit.json` what
came of it. Whoever finds a supervisor that is dead and has said nothing knows that it was killed.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bot
from bot.adapters.local.files import LastWord, is_full, locked, read_json, write_json
from bot.adapters.local.processes import Identity, end_marked, myself, new_mark
from bot.errors import DiskFullError, UnavailableError

SPAWN_TIMEOUT_S = 60.0  # starting Python on a machine under full load took up to 5 s
EXIT_FULL = 28  # the number of ENOSPC
_READY, _FULL, _BROKEN = b".", b"F", b"B"
_PACKAGES = Path(bot.__file__).parents[1]


@dataclass(frozen=True)
class Supervisor:
    """Who works on a folder, as its `supervisor.json` says."""

    who: Identity
    mark: str
    attempt: int
    started_at: float
    slots: tuple[int, ...]

    @property
    def is_alive(self) -> bool:
        """Return whether it still works."""
        return self.who.is_alive

    def end_orphans(self, grace_s: float) -> None:
        """End what a killed supervisor left running."""
        end_marked(self.mark, grace_s)


def read_supervisor(folder: Path) -> Supervisor | None:
    """Return who works or worked on `folder`."""
    document = read_json(folder / "supervisor.json")
    if document is None:
        return None
    return Supervisor(
        Identity(int(document["pid"]), str(document["born"])),
        str(document["mark"]),
        int(document["attempt"]),
        float(document["started_at"]),
        tuple(document["slots"]),
    )


def start_detached(
    command: Sequence[str], log_file: Path, *, cwd: Path, env: Mapping[str, str] | None = None
) -> int:
    """Run what detaches itself; return its exit code. Raises `subprocess.TimeoutExpired`."""
    with log_file.open("ab") as output:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
            timeout=SPAWN_TIMEOUT_S,
        )
    return done.returncode


def spawn(module: str, folder: Path, arguments: tuple[str, ...] = ()) -> None:
    """Start `python -m module folder`, detached; return once it works, or found it need not.

    Raises OSError when no process can be started, DiskFullError, and UnavailableError when it
    does not come up.
    """
    log_file = folder / "supervisor.log"
    command = [sys.executable, "-m", module, str(folder), *arguments]
    try:
        code = start_detached(command, log_file, cwd=_PACKAGES)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{folder.name} did not start in time; see {log_file}.") from error
    if code == EXIT_FULL:
        raise DiskFullError(f"{folder.name} was not started: the disk is full. Free some space.")
    if code:
        raise UnavailableError(f"{folder.name} could not be started; see {log_file}.")


log = logging.getLogger(__name__)

Work = Callable[["Desk"], dict[str, Any]]


@dataclass(frozen=True)
class Seat:
    """What a job holds of the machine: numbered slots, which are its GPUs where there are any."""

    slots: tuple[int, ...] = ()
    has_gpus: bool = False


NO_SEAT = Seat()


@dataclass(frozen=True)
class Desk:
    """What a supervisor works with: its folder, its processes' mark, which attempt it is."""

    folder: Path
    mark: str
    attempt: int
    seat: Seat


def supervise(
    folder: Path,
    next_attempt: Callable[[Path], int | None],
    work: Work,
    seat: Seat = NO_SEAT,
) -> int:
    """Detach, and do `work` if an attempt is due and nobody else is at it.

    The first process returns when the detached one has written `supervisor.json` or found
    nothing to do; so whoever started it knows afterwards, without waiting for the work.
    """
    read_end, write_end = os.pipe()
    if os.fork():
        os.close(write_end)
        return {_READY: 0, _FULL: EXIT_FULL}.get(os.read(read_end, 1), 1)
    os.close(read_end)
    os.setsid()
    with locked(folder / "lock") as is_mine:
        attempt = next_attempt(folder) if is_mine else None
        if attempt is None:
            _tell(write_end, _READY)
            return 0
        desk, started_at = Desk(folder, new_mark(), attempt, seat), time.time()
        try:
            last_word = _take_over(desk, started_at)
        except OSError as error:
            _tell(write_end, _FULL if is_full(error) else _BROKEN)
            raise
        _tell(write_end, _READY)
        said = _said(desk, work)
        # The work is done: whoever asks us to end now must not keep us from saying so.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_marked(desk.mark)
        common = {"attempt": desk.attempt, "started_at": started_at, "ended_at": time.time()}
        last_word.say({**common, **said})
    return 0


def _take_over(desk: Desk, started_at: float) -> LastWord:
    """Write down who works on the folder, with room for the last word taken first."""
    last_word = LastWord(desk.folder / "exit.json")
    me = myself()
    document = {"pid": me.pid, "born": me.born, "mark": desk.mark, "slots": desk.seat.slots}
    document |= {"attempt": desk.attempt, "started_at": started_at}
    write_json(desk.folder / "supervisor.json", document)
    return last_word


def _tell(ready: int, what: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever started us need not live any more
        os.write(ready, what)
    os.close(ready)


def _said(desk: Desk, work: Work) -> dict[str, Any]:
    try:
        return work(desk)
    except OSError as error:
        reason = "the disk is full" if is_full(error) else str(error)
        return {"state": "failed", "fault": f"It could not go on: {reason}."}
    except Exception:
        log.exception("the supervisor of %s broke", desk.folder)
        fault = f"The supervisor broke; see {desk.folder / 'supervisor.log'}."
        return {"state": "failed", "fault": fault}
