"""Scanners of infrastructure files, in an environment of their own that is made on first use."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.local.files import locked

HERE = Path(__file__).parent
FOLDER = HERE / ".venv-checkov"
LOCK = HERE / "scanners.txt"
# A scanner that phones home finds nobody: no test may reach another machine.
QUIET = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}

Scanner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def scanner(repository: Path) -> Scanner:
    """Return a function that runs a program of the scanners' environment in the repository."""
    with locked(HERE / "scanners.lock", wait_s=600):
        install()

    def run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(FOLDER / "bin" / program), *arguments]
        environment = {**os.environ, **QUIET}
        return subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, check=False
        )

    return run


def install() -> None:
    """Install what the lock says, unless it lies there already; a failure says how to repeat it."""
    stamp = FOLDER / ".ready"
    if stamp.exists() and stamp.read_text() == LOCK.read_text():
        return
    _do(sys.executable, "-m", "venv", "--clear", str(FOLDER))
    pip = (str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps")
    _do(*pip, "--disable-pip-version-check", "-r", str(LOCK))
    stamp.write_text(LOCK.read_text())


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")


@pytest.fixture(scope="session")
def bicep(repository: Path, scanner: Scanner) -> dict[str, Any]:
    """Return the syntax tree of each Bicep file, by its path in manifests/azure."""
    folder = repository / "manifests" / "azure"
    files = sorted(str(path) for path in folder.rglob("*.bicep"))
    done = scanner("python", str(HERE / "bicep_tree.py"), *files)
    assert done.returncode == 0, done.stderr[-2000:]
    trees: dict[str, Any] = json.loads(done.stdout)
    return {Path(name).relative_to(folder).as_posix(): tree for name, tree in trees.items()}
