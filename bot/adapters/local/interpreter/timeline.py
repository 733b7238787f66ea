"""The timeline of a run: what began and ended when, saved to a file after every change."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.local.files import write_json
from bot.adapters.local.interpreter.plan import Plan
from bot.adapters.local.interpreter.status import Result

PENDING, RUNNING, COMPLETED = "pending", "running", "completed"


@dataclass
class Record:
    """A stage, job or step; times are seconds since 1970."""

    kind: str
    name: str
    display_name: str
    state: str = PENDING
    result: Result | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    log: str | None = None
    issues: list[dict[str, str]] = field(default_factory=list)
    children: list["Record"] = field(default_factory=list)


class Timeline:
    """All records of a run, and the file that shows them to others."""

    def __init__(self, path: Path, plan: Plan, now: Callable[[], float]) -> None:
        self._path, self._now = path, now
        self.tags: list[str] = []
        self.number = ""
        self.stages = [
            Record(
                "stage",
                stage.name,
                stage.display_name,
                children=[
                    Record(
                        "job",
                        job.name,
                        job.display_name,
                        children=[Record("step", s.name, s.display_name) for s in job.steps],
                    )
                    for job in stage.jobs
                ],
            )
            for stage in plan.stages
        ]

    def begin(self, record: Record) -> None:
        """Note that it runs."""
        record.state, record.started_at = RUNNING, self._now()
        self.save()

    def end(self, record: Record, result: Result) -> None:
        """Note what came of it; everything below that never began is skipped."""
        record.state, record.result, record.ended_at = COMPLETED, result, self._now()
        for child in record.children:
            if child.state == PENDING:
                self.skip(child)
        self.save()

    def skip(self, record: Record) -> None:
        """Note that it never ran, nor anything below it."""
        record.state, record.result = COMPLETED, Result.SKIPPED
        for child in record.children:
            self.skip(child)

    def issue(self, record: Record, kind: str, message: str) -> None:
        """Note an error or warning."""
        record.issues.append({"type": kind, "message": message})

    def save(self) -> None:
        """Replace the file; raises OSError when nothing can be written."""
        write_json(self._path, self._document())

    def _document(self) -> dict[str, Any]:
        stages = [asdict(stage) for stage in self.stages]
        return {"number": self.number, "tags": self.tags, "stages": stages}
