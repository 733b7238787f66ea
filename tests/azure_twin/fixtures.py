"""The twin for tests: `from tests.azure_twin.fixtures import twin` in a conftest.

`running_twin` is the same for the demo and for system tests.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.azure_twin.client import TwinControl

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class RunningTwin:
    """A started twin: `environment` is for clients, `control` for the test."""

    folder: Path
    pid: int
    control: TwinControl
    environment: Mapping[str, str]
    bot_environment: Mapping[str, str]
    pipeline_environment: Mapping[str, str]

    @property
    def authority(self) -> Path:
        return Path(self.environment["SSL_CERT_FILE"])

    def requests(self, **values: Any) -> list[dict[str, Any]]:
        return self.control.requests(**values)


@contextmanager
def running_twin(folder: Path, **options: Any) -> Iterator[RunningTwin]:
    """Run the twin in a child process; `options` as on its command line (`local_sign_in=True`)."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.azure_twin", "--folder", str(folder)]
    for name, value in options.items():
        command.append(f"--{name.replace('_', '-')}")
        if value is not True:
            command.append(str(value))
    with (folder / "twin.err").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, env=_environment()
        )
    try:
        yield _ready(process, folder)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _environment() -> dict[str, str]:
    """Return the environment without what would send the twin's own calls elsewhere."""
    dropped = {"HTTPS_PROXY", "HTTP_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}
    return {key: value for key, value in os.environ.items() if key.upper() not in dropped}


def _ready(process: "subprocess.Popen[bytes]", folder: Path) -> RunningTwin:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        errors = (folder / "twin.err").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"The twin did not start:\n{errors[-4000:]}")
    facts = json.loads(line)
    return RunningTwin(
        folder=folder,
        pid=facts["pid"],
        control=TwinControl(facts["control"]),
        environment=facts["environment"],
        bot_environment=facts["bot_environment"],
        pipeline_environment=facts["pipeline_environment"],
    )


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTwin]:
    """Return the twin that the session's tests share."""
    with running_twin(tmp_path_factory.mktemp("azure-twin")) as started:
        yield started


@pytest.fixture
def azure(twin: RunningTwin, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningTwin]:
    """Return the twin, with this process as its client; what a test orders ends with it."""
    for name, value in twin.environment.items():
        monkeypatch.setenv(name, value)
    twin.control.reset()
    yield twin
    twin.control.reset()
