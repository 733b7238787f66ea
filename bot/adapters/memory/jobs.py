"""Jobs that wait, run and end when a test says so, with a queue in the order of submission."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from bot.domain.run import JobSeen, JobState
from bot.ports import Jobs


class MemoryJobs(Jobs):
    """`slots` jobs run at once; `cancelled` lists every call of cancel, `starts` every start."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.starts: list[str] = []
        self.cancelled: list[str] = []
        self._seen: dict[str, JobSeen] = {}

    def submit(self, run_id: str) -> None:
        """Put a job into the queue, as the pipeline does; submitting it again changes nothing."""
        self._seen.setdefault(run_id, JobSeen(JobState.WAITING))

    def put(self, run_id: str, seen: JobSeen) -> None:
        """Say what is seen of a job from now on."""
        self._seen[run_id] = seen

    def begin(self, run_id: str, at: datetime | None = None) -> None:
        """Let a job run, whatever the queue says."""
        self.starts.append(run_id)
        self._seen[run_id] = replace(self._seen[run_id], state=JobState.RUNNING, started_at=at)

    def finish(self, run_id: str, exit_code: int = 0, at: datetime | None = None) -> None:
        """Let a job end."""
        state = JobState.SUCCEEDED if exit_code == 0 else JobState.FAILED
        seen = replace(self._seen[run_id], state=state, exit_code=exit_code, ended_at=at)
        self._seen[run_id] = seen

    def preempt(self, run_id: str) -> None:
        """Send a running job back into the queue, as its next attempt."""
        seen = self._seen[run_id]
        self._seen[run_id] = replace(seen, state=JobState.WAITING, attempt=seen.attempt + 1)

    @override
    async def observe(self, run_ids: Collection[str]) -> Mapping[str, JobSeen]:
        waiting = self._waiting()
        return {run_id: self._look(run_id, waiting) for run_id in run_ids}

    @override
    async def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)
        seen = self._seen.get(run_id)
        if seen is not None and seen.state in {JobState.WAITING, JobState.RUNNING}:
            self._seen[run_id] = replace(seen, state=JobState.CANCELLED)

    @override
    async def advance(self) -> None:
        running = sum(seen.state is JobState.RUNNING for seen in self._seen.values())
        for run_id in self._waiting()[: max(0, self.slots - running)]:
            self.begin(run_id)

    def _waiting(self) -> list[str]:
        return [run_id for run_id, seen in self._seen.items() if seen.state is JobState.WAITING]

    def _look(self, run_id: str, waiting: list[str]) -> JobSeen:
        seen = self._seen.get(run_id, JobSeen(JobState.ABSENT))
        if run_id not in waiting:
            return seen
        return replace(seen, position=waiting.index(run_id) + 1)
