"""Pipelines of a repository made for one test, run in the test's own process."""

import asyncio
import os
import textwrap
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.adapters.local.interpreter.agent import Setting, run_variables
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import Plan, plan
from bot.adapters.local.interpreter.runner import run_plan
from bot.adapters.local.interpreter.status import Result
from bot.adapters.local.interpreter.stop import Stop
from bot.adapters.local.interpreter.timeline import Record, Timeline
from bot.adapters.local.interpreter.workspace import Revision
from bot.adapters.local.processes import marked, new_mark

PATIENCE_S = 60.0


async def until(
    holds: Callable[[], Awaitable[bool] | bool], what: str, *, within_s: float = PATIENCE_S
) -> None:
    """Wait for a condition; fail, saying what was waited for, when it never holds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"waited {within_s:g} s in vain for: {what}")


@dataclass
class Ran:
    """What came of a run."""

    result: Result
    timeline: Timeline
    folder: Path

    def record(self, *path: str) -> Record:
        """Return a stage, job or step by names or display names."""
        records = self.timeline.stages
        found: Record | None = None
        for name in path:
            found = next(each for each in records if name in {each.name, each.display_name})
            records = found.children
        assert found is not None
        return found

    def results(self, *path: str) -> dict[str, str]:
        """Return the results of what is in a stage or job, or of all stages."""
        records = self.record(*path).children if path else self.timeline.stages
        return {each.name or each.display_name: str(each.result) for each in records}

    def log(self, *path: str) -> str:
        """Return a step's log without its frame."""
        log = self.record(*path).log
        lines = (self.folder / str(log)).read_text(encoding="utf-8").splitlines()
        return "\n".join(line for line in lines if not line.startswith("##[section]"))


@dataclass
class Workbench:
    """Writes pipeline files and runs them in this process."""

    root: Path
    stop: Stop = field(default_factory=Stop)
    mark: str = field(default_factory=new_mark)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def repository(self) -> Path:
        return self.root / "repository"

    def write(self, name: str, text: str) -> Path:
        """Write a file of the repository."""
        path = self.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def plan(self, text: str, parameters: Mapping[str, str] | None = None) -> Plan:
        """Write `p.yml` and read it."""
        self.write("p.yml", text)
        return plan(load(self.repository, "p.yml", dict(parameters or {}), {}))

    async def run(self, text: str, parameters: Mapping[str, str] | None = None) -> Ran:
        """Write `p.yml` and run it to its end."""
        self.write("p.yml", text)
        setting = self.setting()
        planned = plan(
            load(self.repository, "p.yml", dict(parameters or {}), run_variables(setting))
        )
        (setting.folder / "logs").mkdir(parents=True)
        timeline = Timeline(setting.folder / "state.json", planned, time.time)
        try:
            result = await run_plan(planned, setting, timeline, self.stop)
        finally:
            self.stop.close()
        assert marked(self.mark) == []
        return Ran(result, timeline, setting.folder)

    def setting(self) -> Setting:
        """Return where the runs of this workbench happen."""
        home = self.root / "home"
        return Setting(
            run_id="run-1",
            repository=self.repository,
            pipeline="p.yml",
            folder=home / "pipelines" / "run-1",
            home=home,
            requested_by="ada",
            revision=Revision("c0ffee", "refs/heads/main"),
            environment=self.environment,
            mark=self.mark,
            grace_s=1.0,
        )
