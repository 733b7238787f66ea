"""The Jobs adapter for Azure ML: command jobs that the pipeline put there, by their names."""

import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from typing_extensions import override

from bot.adapters.azure.blobs import Artifacts, Blob
from bot.adapters.azure.clusters import Clusters, shown, why_waiting
from bot.adapters.azure.job_results import Results
from bot.adapters.azure.job_state import ENDED, History, Job, seen_of
from bot.adapters.azure.workspace import Workspace, all_of
from bot.domain.redact import redact
from bot.domain.run import JobSeen, JobState
from bot.errors import BotError
from bot.ports import ClusterSeen, Jobs, ResultFile
from trainer.contract.azure_job import LOG_PREFIX
from trainer.contract.clusters import ClusterEntry
from trainer.contract.names import run_id_of

log = logging.getLogger(__name__)

FEW = 3  # so many are got one by one; more are looked for in the list of recent jobs first
RECENT = 200  # jobs of that list: it can be filtered by neither name nor tag
HISTORY_S = 15.0  # how old run history may be while nothing has changed
TAIL_LINES, TAIL_BYTES = 20, 16_384


@dataclass
class Known:
    """What is remembered of a job between two looks."""

    job: Job
    history: History = field(default_factory=History)
    asked_at: float = float("-inf")
    asked_in: str = ""  # the status in which run history was asked
    attempt: int = 1
    over: JobSeen | None = None  # nothing about it changes any more
    is_gone: bool = False


class AzureJobs(Jobs):
    """Looks in batches: ended jobs never again, running ones with one call each or a list."""

    def __init__(
        self,
        workspace: Workspace,
        clusters: Sequence[ClusterEntry],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace, self._entries, self._now = workspace, clusters, now
        self._clusters = Clusters(workspace)
        self._artifacts = Artifacts(workspace)
        self._results = Results(workspace, self._artifacts)
        self._known: dict[str, Known] = {}

    def job_of(self, run_id: str) -> str | None:
        """Return the name of the run's newest job that has begun, as far as it was seen."""
        names = [name for name in list(self._known) if run_id_of(name) == run_id]
        begun = [name for name in names if self._known[name].job.state is not JobState.WAITING]
        return max(begun, key=lambda name: (len(name), name), default=None)

    @override
    async def observe(self, names: Collection[str]) -> Mapping[str, JobSeen]:
        open_names = [name for name in names if not self._is_over(name)]
        if open_names:
            await self._workspace.ask("look for jobs", lambda w: self._look(w, open_names))
        seen = await all_of(*(self._seen(name) for name in names))
        return dict(zip(names, seen, strict=True))

    @override
    async def cancel(self, name: str) -> None:
        if not self._is_over(name):
            await self._workspace.ask(f"cancel the job {name}", lambda w: _cancel(w, name))

    @override
    async def advance(self) -> None:
        """Do nothing: the service has a queue of its own."""

    @override
    async def clusters(self) -> Sequence[ClusterSeen]:
        found = await self._workspace.ask("look at the clusters", lambda _: self._clusters.look())
        return shown(self._entries, found, [known.job for known in list(self._known.values())])

    @override
    async def results(self, name: str) -> Sequence[ResultFile]:
        return await self._workspace.ask("list the results", lambda _: self._results.listed(name))

    @override
    async def read_result(self, name: str, path: str) -> AsyncIterator[bytes]:
        reading = await self._workspace.ask(
            "read the result", lambda _: self._results.open(name, path)
        )
        offset = 0
        while piece := await self._workspace.ask(
            "read the result", partial(_read, reading, offset)
        ):
            yield piece
            offset += len(piece)

    def _is_over(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and known.over is not None

    def _look(self, workspace: Workspace, names: Collection[str]) -> None:
        """Bring what is known of these up to date."""
        missing = set(names)
        if len(missing) > FEW:
            for found in itertools.islice(_recent(workspace), RECENT):
                if found.name in missing:
                    missing.discard(found.name)
                    self._note(Job.of(found))
                if not missing:
                    return
        for name in sorted(missing):
            try:
                self._note(Job.of(workspace.ml.jobs.get(name)))
            except ResourceNotFoundError:
                if name in self._known:
                    self._known[name].is_gone = True

    def _note(self, job: Job) -> None:
        known = self._known.setdefault(job.name, Known(job))
        known.job = job
        known.attempt = max(known.attempt, job.attempt)

    async def _seen(self, name: str) -> JobSeen:
        known = self._known.get(name)
        if known is None:
            return JobSeen(JobState.ABSENT)
        if known.over is not None:
            return known.over
        if known.is_gone:
            known.over = _deleted(known)
            return known.over
        if self._is_history_old(known):
            await self._workspace.ask("ask how the job went", lambda w: _ask_history(w, known))
            known.asked_at, known.asked_in = self._now(), known.job.status
        why = await self._why_waiting(known)
        seen = seen_of(known.job, known.history, why_waiting=why, attempt=known.attempt)
        if seen.state is JobState.WAITING:
            seen = replace(seen, position=self._position(known.job))
        if seen.state is JobState.FAILED:
            seen = replace(seen, log_tail=await self._tail(name))
        if seen.state in ENDED:
            known.over = seen
        return seen

    def _position(self, job: Job) -> int:
        """Return its place among our own jobs for that cluster; others' may be between them."""
        known = [other.job for other in list(self._known.values()) if not other.is_gone]
        ahead = [
            other
            for other in known
            if other.state is JobState.WAITING
            and other.cluster == job.cluster
            and _is_before(other, job)
        ]
        return len(ahead) + 1

    def _is_history_old(self, known: Known) -> bool:
        if known.asked_in != known.job.status:
            return True
        waits = known.job.state is JobState.WAITING
        return waits and self._now() - known.asked_at >= HISTORY_S

    async def _why_waiting(self, known: Known) -> str:
        """Return why; a cluster that cannot be asked leaves the service's own words."""
        if known.job.state is not JobState.WAITING:
            return ""
        said = known.history.waits_for
        try:
            found = await self._workspace.ask(
                "look at the clusters", lambda _: self._clusters.look()
            )
        except BotError as error:
            log.info("nobody says why %s waits: %s", known.job.name, error)
            return said
        return why_waiting(known.job, found.get(known.job.cluster), said)

    async def _tail(self, name: str) -> tuple[str, ...]:
        """Return the last lines of a job's log; none where it cannot be read."""
        try:
            return await self._workspace.ask("read the log", lambda _: self._read_tail(name))
        except BotError as error:
            log.info("the log of %s cannot be read: %s", name, error)
            return ()

    def _read_tail(self, name: str) -> tuple[str, ...]:
        logs = [blob for blob in self._artifacts.of_run(run_id_of(name)) if _is_log(blob, name)]
        if not logs:
            return ()
        first = logs[0]
        raw = self._artifacts.read(first, max(0, first.bytes - TAIL_BYTES), TAIL_BYTES)
        lines = redact(raw.decode("utf-8", "replace")).splitlines()
        return tuple(lines[-TAIL_LINES:])


def _read(reading: Callable[[int], bytes], offset: int, _: Workspace) -> bytes:
    return reading(offset)


def _recent(workspace: Workspace) -> Iterable[Any]:
    """Yield jobs, newest first; a kind of job that the SDK cannot read comes as None."""
    return (found for found in workspace.ml.jobs.list() if found is not None)


def _is_before(job: Job, other: Job) -> bool:
    if job.made_at is None or other.made_at is None:
        return job.name < other.name
    return (job.made_at, job.name) < (other.made_at, other.name)


def _ask_history(workspace: Workspace, known: Known) -> None:
    known.history = History.of(workspace.history(f"runs/{known.job.name}"))


def _deleted(known: Known) -> JobSeen:
    seen = seen_of(known.job, known.history, attempt=known.attempt)
    fault = f"The job {known.job.name} was deleted in the workspace, not by the bot."
    return replace(seen, state=JobState.FAILED, fault=fault, why_waiting="")


def _is_log(blob: Blob, name: str) -> bool:
    return blob.job == name and blob.path.startswith(LOG_PREFIX)


def _cancel(workspace: Workspace, name: str) -> None:
    """Ask for the end, and wait for nothing: the next look tells."""
    try:
        if Job.of(workspace.ml.jobs.get(name)).state not in ENDED:
            workspace.ml.jobs.begin_cancel(name, polling=False)
    except ResourceNotFoundError:
        log.info("there is no job %s to cancel", name)
