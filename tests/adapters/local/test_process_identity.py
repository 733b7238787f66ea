"""Processes are known by more than a pid, and all that they started can be ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from bot.adapters.local.processes import (
    MARK,
    Identity,
    end_marked,
    inherited,
    marked,
    myself,
    new_mark,
)

SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]


@pytest.fixture
def mark() -> Iterator[str]:
    mark = new_mark()
    yield mark
    end_marked(mark)


def start(mark: str, *command: str) -> "subprocess.Popen[bytes]":
    """Start a process that carries `mark` and wait until it is up."""
    process = subprocess.Popen(
        command or SLEEP, env={**os.environ, MARK: mark}, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def identity(process: "subprocess.Popen[bytes]") -> Identity:
    """Return who it is, as it would say of itself."""
    born = f"{boot()}:{ticks(process.pid)}"
    return Identity(process.pid, born)


def boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:  # noqa: PTH123
        return file.read().strip()


def ticks(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[19]


def close(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def test_i_am_alive() -> None:
    assert myself().pid == os.getpid()
    assert myself().is_alive


def test_a_pid_that_another_process_has_by_now_is_not_it() -> None:
    assert not Identity(os.getpid(), "another boot:1").is_alive


def test_a_process_lives_until_it_ends_and_a_zombie_does_not(mark: str) -> None:
    process = start(mark)
    who = identity(process)
    assert who.is_alive
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    assert not who.is_alive  # not yet waited for: its pid is still there
    close(process)
    assert not who.is_alive


def test_a_name_with_blanks_and_parentheses_changes_nothing(mark: str) -> None:
    rename = (
        "import ctypes, time; ctypes.CDLL(None).prctl(15, b'x) S 1 (y z', 0, 0, 0);"
        "print(flush=True); time.sleep(600)"
    )
    process = start(mark, sys.executable, "-c", rename)
    assert identity(process).is_alive
    close(process)


def test_terminating_reaches_exactly_that_process(mark: str) -> None:
    process = start(mark)
    Identity(process.pid, "another boot:1").terminate()
    assert process.poll() is None
    identity(process).terminate()
    assert process.wait(60) == -signal.SIGTERM
    close(process)


def test_all_that_carry_a_mark_are_found_and_ended(mark: str) -> None:
    one, below, other = start(mark), start(f"{mark}.job"), start(f"{mark}2")
    assert {each.pid for each in marked(mark)} == {one.pid, below.pid}
    assert end_marked(mark) == 2
    assert marked(mark) == []
    assert other.poll() is None
    for process in (one, below, other):
        close(process)


def test_a_process_with_time_to_save_gets_sigterm_first(mark: str) -> None:
    saves = (
        "import signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('saved', flush=True)));"
        "print(flush=True); time.sleep(600)"
    )
    process = start(mark, sys.executable, "-c", saves)
    end_marked(mark, grace_s=30)
    assert process.stdout is not None
    assert process.stdout.read() == b"saved\n"
    close(process)


def test_ending_a_child_leaves_its_exit_code_to_its_parent(mark: str) -> None:
    process = start(mark)
    end_marked(mark)
    assert process.wait(60) == -signal.SIGKILL
    close(process)


def test_our_settings_are_not_inherited() -> None:
    given = {"PATH": "/bin", "KRSP_HOME": "x", "MicrosoftAppPassword": "y", "CUDA_HOME": "z"}
    assert inherited(given) == {"PATH": "/bin", "CUDA_HOME": "z"}
