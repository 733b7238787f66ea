"""The tutorial's commands are run as they stand there, and show what it says they show."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

SERVING = "Serving."
# Would remove the environment that this test runs in; tests/house tries it on a copy.
NOT_RUN = {"make clean"}


@dataclass(frozen=True)
class Example:
    """A command of the tutorial and the lines that it is said to print."""

    command: str
    shown: tuple[str, ...]


def examples(page: Path) -> list[Example]:
    found = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.strip().splitlines()
            found.append(Example(command, tuple(line for line in shown if line != "...")))
    return found


def plain(text: str, port: int) -> str:
    """Return `text` with what differs from run to run made the same."""
    text = text.replace(str(port), "3978")
    return re.sub(r"run-\d{8}-[a-z2-7]{6}", "<run>", text)


class Terminal:
    """Runs commands in the repository with ports and a KRSP_HOME of its own."""

    def __init__(self, repository: Path, home: Path, ports: tuple[int, int]) -> None:
        self.port = ports[0]
        self._cwd = repository
        self._env = {
            **os.environ,
            "KRSP_HOME": str(home),
            "KRSP_PORT": str(ports[0]),
            "KRSP_PLAYGROUND_PORT": str(ports[1]),
        }

    def start(self, command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read(self, process: "subprocess.Popen[str]", until: str | None = None) -> str:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if until and line.startswith(until):
                break
        if process.stdout is not None and until is None:
            process.stdout.close()
        return plain("".join(lines), self.port)


@pytest.fixture
def terminal(repository: Path, tmp_path: Path, free_port: Callable[[], int]) -> Terminal:
    return Terminal(repository, tmp_path / "home", (free_port(), free_port()))


@pytest.fixture
def running() -> Iterator[list["subprocess.Popen[str]"]]:
    """Return a list; what is put there is ended after the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def assert_shows(output: str, example: Example, port: int) -> None:
    missing = [line for line in example.shown if plain(line, port) not in output]
    assert not missing, f"{example.command} did not print {missing}, but:\n{output}"


def test_every_command_of_the_first_run_does_what_the_page_shows(
    repository: Path, terminal: Terminal, running: list["subprocess.Popen[str]"]
) -> None:
    for example in examples(repository / "docs" / "tutorial" / "first-run.md"):
        if example.command in NOT_RUN:
            continue
        process = terminal.start(example.command)
        if any(line.startswith(SERVING) for line in example.shown):
            running.append(process)
            assert_shows(terminal.read(process, until=SERVING), example, terminal.port)
            continue
        output = terminal.read(process)
        assert_shows(output, example, terminal.port)
        assert "Traceback" not in output
        assert process.wait(60) == 0, output
