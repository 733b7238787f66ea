"""The processes that the twin starts: each in a group of its own, none outlives the twin."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

GUARD = Path(__file__).parent / "guard.py"


@dataclass(frozen=True)
class Child:
    name: str
    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.returncode is None

    async def wait(self) -> int:
        """Return the exit code, 128 + n for a death by signal n."""
        status = await self.process.wait()
        return status if status >= 0 else 128 - status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    async def stop(self, *, grace_s: float) -> int:
        """Ask the group to end, kill it after `grace_s`, and return the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(asyncio.shield(self.wait()), grace_s)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()


@dataclass
class Children:
    """Start processes, know them by name, and stop what is left at the end."""

    _running: dict[int, Child] = field(default_factory=dict)

    async def start(
        self, name: str, *argv: str, cwd: Path, env: Mapping[str, str], output: IO[bytes] | int
    ) -> Child:
        """Start `argv`; stdout and stderr go to `output` (a file, or subprocess.DEVNULL)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(GUARD),
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child = Child(name, process)
        self._running[process.pid] = child
        return child

    def listed(self) -> list[Child]:
        """Return what runs now."""
        self._running = {pid: child for pid, child in self._running.items() if child.is_running}
        return list(self._running.values())

    async def close(self) -> None:
        await asyncio.gather(*(child.stop(grace_s=3) for child in self.listed()))
        # A command may end and leave something behind in its group.
        for child in self._running.values():
            child.signal(signal.SIGKILL)
