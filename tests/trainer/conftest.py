"""One real training run that many tests look at, and a way to call the trainer's process."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.small import (
    ROOT,
    process_environment,
    read_progress,
    small_spec,
    write_colours,
)
from trainer.contract.progress import ProgressLine


@dataclass(frozen=True)
class Finished:
    """A process of `python -m trainer` that has ended."""

    code: int
    output: str
    errors: str


Trainer = Callable[..., Finished]


@pytest.fixture(scope="session")
def trainer() -> Trainer:
    """Return a function that runs `python -m trainer ...` in a process of its own."""

    def call(
        *arguments: object, env: dict[str, str] | None = None, file_bytes: int | None = None
    ) -> Finished:
        command = [sys.executable, "-m", "trainer", *map(str, arguments)]
        if file_bytes is not None:
            command = ["prlimit", f"--fsize={file_bytes}", *command]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=process_environment(env or {}),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return call


@dataclass(frozen=True)
class SmallRun:
    """The session's run: its home, folders and progress lines."""

    home: Path
    spec: Path
    output: Path
    said: str
    lines: list[ProgressLine]

    def of(self, kind: str) -> list[Any]:
        """Return the lines of one kind, in order."""
        return [line for line in self.lines if line.kind == kind]


@pytest.fixture(scope="session")
def small_run(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """Return one whole run of the small spec, recorded in MLflow."""
    home = tmp_path_factory.mktemp("home")
    write_colours(home)
    output = home / "jobs" / "run-20261123-small2" / "output"
    spec = home / "jobs" / "run-20261123-small2" / "spec.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(small_spec().model_dump_json())
    env = {"KRSP_HOME": str(home), "KRSP_WORKDIR": str(home), "KRSP_RUN_ID": spec.parent.name}
    done = trainer("run", spec, "--output", output, env=env)
    assert done.code == 0, done.output + done.errors
    return SmallRun(home, spec, output, done.output, read_progress(output))
