"""What the demo refuses before it starts anything."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DEMO = "import sys; from bot.demo import main; sys.exit(main(['--once']))"


@pytest.fixture
def demo(
    tmp_path: Path, free_port: Callable[[], int]
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that runs the demo to its end, with ports and a home of its own."""

    def run(**settings: str) -> "subprocess.CompletedProcess[str]":
        own = {
            "KRSP_HOME": str(tmp_path / "home"),
            "KRSP_PORT": str(free_port()),
            "KRSP_PLAYGROUND_PORT": str(free_port()),
        }
        return subprocess.run(
            [sys.executable, "-c", DEMO],
            env={**os.environ, **own, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def occupied() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.mark.parametrize("setting", ["KRSP_PORT", "KRSP_PLAYGROUND_PORT"])
def test_an_occupied_port_is_refused_with_its_owner_and_what_to_do(
    demo: Callable[..., "subprocess.CompletedProcess[str]"],
    occupied: str,
    setting: str,
    tmp_path: Path,
) -> None:
    result = demo(**{setting: occupied})
    assert result.returncode == 1
    assert f"Port {occupied} is taken by process {os.getpid()}" in result.stderr
    assert f"{setting}=<port> make demo" in result.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_playground_port_that_is_none_is_named(
    demo: Callable[..., "subprocess.CompletedProcess[str]"], port: str
) -> None:
    result = demo(KRSP_PLAYGROUND_PORT=port)
    assert result.returncode == 1
    assert f"KRSP_PLAYGROUND_PORT is '{port}'" in result.stderr
    assert "Traceback" not in result.stderr
