"""The service's side of an agent: starts its process, hears it, answers its questions."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.local.interpreter.status import Result
from tests.azure_twin.children import GUARD, Child
from tests.azure_twin.devops.agent import REQUEST

MODULE = "tests.azure_twin.devops.agent"
LONGEST_LINE = 2**26  # a timeline with all its issues
ROOT = Path(__file__).parents[3]
SHIMS = Path(__file__).parent / "shims"

Hear = Callable[[Mapping[str, Any]], None]


@dataclass
class Worker:
    """One agent process. `hear` gets each message; `run` returns the last one, None if it died."""

    folder: Path
    hear: Hear
    child: Child | None = None
    _said: dict[str, Any] | None = None
    _untold: list[bytes] = field(default_factory=list)  # before there was a process
    _is_killed: bool = False

    async def run(
        self, request: Mapping[str, Any], env: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """Start the agent, hear it to its end, and leave none of its processes behind."""
        (self.folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        with (self.folder / "agent.log").open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(GUARD),
                sys.executable,
                "-m",
                MODULE,
                str(self.folder),
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                limit=LONGEST_LINE,
            )
        self.child = Child(f"agent {self.folder.parent.name}", process)
        assert process.stdin is not None
        process.stdin.writelines(self._untold)
        if self._is_killed:
            self.kill()
        try:
            await self._listen(process)
            await process.wait()
        finally:
            self.child.signal(signal.SIGKILL)
            await process.wait()
        return self._said

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            message = json.loads(line)
            if message["kind"] == "end":
                self._said = message
            else:
                self.hear(message)

    def answer(self, stage: str, result: Result | None) -> None:
        """Let a stage begin (None), or say what becomes of it."""
        self._tell(kind="gate", stage=stage, result=result)

    def cancel(self) -> None:
        """Ask the run to end; what is set to run always still does."""
        self._tell(kind="cancel")

    def kill(self) -> None:
        """Let the machine be gone, as when a hosted agent loses its connection."""
        self._is_killed = True
        if self.child is not None:
            self.child.signal(signal.SIGKILL)

    def _tell(self, **message: Any) -> None:
        line = (json.dumps(message) + "\n").encode()
        if self.child is None:
            self._untold.append(line)
            return
        pipe = self.child.process.stdin
        if pipe is not None and not pipe.is_closing():
            pipe.write(line)


def agent_environment(twin: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of an agent: a bare machine's, the way to the twin, and our pip."""
    kept = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
    machine = {name: os.environ[name] for name in kept if name in os.environ}
    return {**machine, **twin, "PYTHONPATH": str(SHIMS), "AGENT_NAME": "Azure Pipelines 1"}
