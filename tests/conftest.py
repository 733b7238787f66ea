"""What every test may rely on: no settings of the developer's machine, no telemetry, a Chromium."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Read by libraries when they are imported, so set before any test module is.
os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    MLFLOW_DISABLE_TELEMETRY="true",
    TOKENIZERS_PARALLELISM="false",
)
for name in [name for name in os.environ if name.startswith("KRSP_") and name != "KRSP_CHROMIUM"]:
    del os.environ[name]

# The machine may be busy: a slow example is no failure. The same examples every time.
settings.register_profile("krsp", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("krsp")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the repository."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Return a function that returns a port of 127.0.0.1 that was free a moment ago."""

    def choose() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return choose


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return the browser to drive; a missing one fails the test, since skipping would hide it."""
    named = os.environ.get("KRSP_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.fail("No Chromium. Run `make test`, or: sudo apt-get install -y chromium")
    return Path(found)
