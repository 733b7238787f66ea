"""Keepers of local deployments: started detached, known by a lock, stopped with their server."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from trainer.serving.errors import PromotionError

KEEPER = "trainer.serving.keeper"
LOCK, PID = "keeper.lock", "keeper.pid"
START_S, STOP_S = 60.0, 15.0
# A deployment outlives the pipeline step that makes it: it has none of the marks by which a
# supervisor finds what to end, and none of the bot's settings.
_NOT_INHERITED = re.compile(r"KRSP_|MicrosoftApp|MLFLOW_|SYSTEM_|BUILD_|AGENT_")


@contextmanager
def locked(path: Path, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold an exclusive lock while the body runs; yields False when another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor, wait_s)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a keeper and its server may see of our environment."""
    return {name: value for name, value in environment.items() if not _NOT_INHERITED.match(name)}


def spawn_keeper(folder: Path) -> None:
    """Start the keeper of a deployment, detached; one that is at work already stays."""
    with (folder / "keeper.log").open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", KEEPER, str(folder)],
            cwd=folder,
            env=inherited(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
            timeout=START_S,
        )
    if done.returncode:
        raise PromotionError(
            f"The server's keeper could not be started; see {folder / 'keeper.log'}.",
            remedy="Mend what it says there, then promote again.",
        )


def stop_keeper(folder: Path) -> None:
    """End the keeper and its server; return when both are gone."""
    deadline = time.monotonic() + STOP_S
    while is_kept(folder) and time.monotonic() < deadline:
        number = signal.SIGTERM if time.monotonic() < deadline - STOP_S / 3 else signal.SIGKILL
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((folder / PID).read_text("ascii")), number)
        time.sleep(0.1)


def is_kept(folder: Path) -> bool:
    """Return whether a keeper is at work on the folder."""
    if not (folder / LOCK).exists():
        return False
    with locked(folder / LOCK) as is_free:
        return not is_free


def end_process(pid: int, born: float) -> None:
    """Kill exactly this process and what it started, if it still runs."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if abs(process.create_time() - born) > 1:  # another one has the number by now
            return
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs([process], timeout=5)
