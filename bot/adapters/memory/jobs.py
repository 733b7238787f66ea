"""Jobs that wait, run and end when a test says so, with a queue in the order of submission."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from bot.domain.run import JobSeen, JobState
from bot.errors import BotError, NotFoundError
from bot.ports import ClusterSeen, Jobs, ResultFile


class MemoryJobs(Jobs):
    """`slots` jobs run at once; `cancelled` lists every call of cancel, `starts` every start."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.starts: list[str] = []
        self.cancelled: list[str] = []
        self.files: dict[str, dict[str, bytes]] = {}
        self._seen: dict[str, JobSeen] = {}
        self._silence: BotError | None = None

    def be_silent(self, error: BotError | None) -> None:
        """Let every look fail, until it is told None."""
        self._silence = error

    def submit(self, name: str) -> None:
        """Put a job into the queue, as the pipeline does; submitting it again changes nothing."""
        self._seen.setdefault(name, JobSeen(JobState.WAITING))

    def put(self, name: str, seen: JobSeen) -> None:
        """Say what is seen of a job from now on."""
        self._seen[name] = seen

    def begin(self, name: str, at: datetime | None = None) -> None:
        """Let a job run, whatever the queue says."""
        self.starts.append(name)
        self._seen[name] = replace(self._seen[name], state=JobState.RUNNING, started_at=at)

    def finish(self, name: str, exit_code: int = 0, at: datetime | None = None) -> None:
        """Let a job end."""
        state = JobState.SUCCEEDED if exit_code == 0 else JobState.FAILED
        seen = replace(self._seen[name], state=state, exit_code=exit_code, ended_at=at)
        self._seen[name] = seen

    def preempt(self, name: str) -> None:
        """Send a running job back into the queue, as its next attempt."""
        seen = self._seen[name]
        self._seen[name] = replace(seen, state=JobState.WAITING, attempt=seen.attempt + 1)

    @override
    async def observe(self, names: Collection[str]) -> Mapping[str, JobSeen]:
        if self._silence is not None:
            raise self._silence
        waiting = self._waiting()
        return {name: self._look(name, waiting) for name in names}

    @override
    async def cancel(self, name: str) -> None:
        self.cancelled.append(name)
        seen = self._seen.get(name)
        if seen is not None and seen.state in {JobState.WAITING, JobState.RUNNING}:
            self._seen[name] = replace(seen, state=JobState.CANCELLED)

    @override
    async def advance(self) -> None:
        running = sum(seen.state is JobState.RUNNING for seen in self._seen.values())
        for name in self._waiting()[: max(0, self.slots - running)]:
            self.begin(name)

    @override
    async def clusters(self) -> Sequence[ClusterSeen]:
        running = sum(seen.state is JobState.RUNNING for seen in self._seen.values())
        waiting = len(self._waiting())
        idle = max(0, self.slots - running)
        return [ClusterSeen("memory", "local-cpu", "dedicated", self.slots, running, idle, waiting)]

    @override
    async def results(self, name: str) -> Sequence[ResultFile]:
        files = self.files.get(name, {})
        return [ResultFile(path, len(files[path])) for path in sorted(files)]

    @override
    async def read_result(self, name: str, path: str) -> AsyncIterator[bytes]:
        if path not in self.files.get(name, {}):
            raise NotFoundError(f"{name} has no result `{path}`.")
        yield self.files[name][path]

    def _waiting(self) -> list[str]:
        return [name for name, seen in self._seen.items() if seen.state is JobState.WAITING]

    def _look(self, name: str, waiting: list[str]) -> JobSeen:
        seen = self._seen.get(name, JobSeen(JobState.ABSENT))
        if name not in waiting:
            return seen
        return replace(seen, position=waiting.index(name) + 1)
