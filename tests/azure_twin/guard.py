"""Run a command so that it dies with the twin, even if the twin is killed.

Started as `python -I -S guard.py COMMAND...` in a session of its own. If the parent dies, the
whole process group is killed: PR_SET_PDEATHSIG alone would reach the command, not its children.
"""

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

PR_SET_PDEATHSIG = 1


def kill_group(number: int, frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    # SIGTERM and SIGINT are for the command; the group gets them from whoever stops the job.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, kill_group)
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
    if parent == 1 or os.getppid() != parent:
        return 1
    child = subprocess.Popen(sys.argv[1:], preexec_fn=restore)  # noqa: PLW1509
    status = child.wait()
    return status if status >= 0 else 128 - status


def restore() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
