"""Tracking for jobs in Azure: mirrored files, and MLflow's record where there are none."""

import asyncio
import errno
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from bot.adapters.azure.blobs import Artifacts
from bot.adapters.azure.faults import AnswerError
from bot.adapters.azure.mirror import Mirror
from bot.adapters.azure.mlflow import Mlflow, RunRecord, known_keys
from bot.adapters.azure.workspace import Workspace, all_of
from bot.domain.naming import is_run_id
from bot.domain.run import ProgressSeen
from bot.errors import DiskFullError, UnavailableError
from bot.ports import LogHits, LogLines, Marks, Metrics, MetricsQuery, Tracking
from bot.runfiles.curves import metrics
from bot.runfiles.history import History
from bot.runfiles.tracking import FileTracking

log = logging.getLogger(__name__)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
PAGE_LOOK_S = 2.0  # a page asks each second; what it shows may be this old
RECORD_LOOK_S = 15.0  # MLflow is slow and throttled, and only a fall-back


@dataclass
class Followed:
    """A run's mirror. `lock` lets one task at a time bring it up to date."""

    mirror: Mirror
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    looked_at: float = float("-inf")
    record: RunRecord | None = None
    recorded_at: float = float("-inf")


class AzureTracking(Tracking):
    """Copies what jobs wrote below `home`/mirror, and reads it as a local run's files are read.

    `job_of` names the job of a run that has begun, if one is known.
    """

    def __init__(
        self,
        home: Path,
        workspace: Workspace,
        job_of: Callable[[str], str | None],
        page_look_s: float = PAGE_LOOK_S,
    ) -> None:
        self._folder = home / "mirror"
        self._workspace, self._job_of, self._page_look_s = workspace, job_of, page_look_s
        self._artifacts, self._mlflow = Artifacts(workspace), Mlflow(workspace)
        self._followed: dict[str, Followed] = {}
        self._files = FileTracking(lambda run_id: self._of(run_id).mirror.files())

    @override
    async def observe(self, run_ids: Collection[str]) -> Mapping[str, ProgressSeen]:
        ours = [run_id for run_id in run_ids if is_run_id(run_id)]
        await all_of(*(self._follow(run_id) for run_id in ours))
        seen = dict(await self._files.observe(ours))
        for run_id in ours:
            if run_id not in seen:
                recorded = await self._recorded(run_id)
                if recorded is not None:
                    seen[run_id] = _progress(recorded)
        return seen

    @override
    async def marks(self, run_ids: Collection[str]) -> Mapping[str, Marks]:
        ours = [run_id for run_id in run_ids if is_run_id(run_id)]
        await all_of(*(self._follow(run_id, self._page_look_s) for run_id in ours))
        return await self._files.marks(ours)

    @override
    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        if not is_run_id(run_id):
            return metrics(History(), query)
        await self._follow(run_id, self._page_look_s)
        if self._of(run_id).mirror.is_empty:
            recorded = await self._recorded(run_id)
            if recorded is not None:
                return metrics(await self._curves(run_id, recorded), query)
        return await self._files.metrics(run_id, query)

    @override
    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        if not is_run_id(run_id):
            return LogLines((), 1, 0)
        await self._follow(run_id, self._page_look_s)
        return await self._files.log(run_id, first, count)

    @override
    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        if not is_run_id(run_id):
            return LogHits((), 0)
        await self._follow(run_id, self._page_look_s)
        return await self._files.search_log(run_id, text, limit)

    @override
    async def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        if is_run_id(run_id):
            await self._follow(run_id, self._page_look_s)
            async for piece in self._files.read_log(run_id):
                yield piece

    async def _follow(self, run_id: str, may_be_old_s: float = 0.0) -> None:
        """Bring the copies of a run up to date, unless they are young enough."""
        followed = self._of(run_id)
        asked_at = time.monotonic()
        async with followed.lock:
            # Whoever waited here for another's look has what it wanted.
            if followed.looked_at >= asked_at - may_be_old_s:
                return
            began_at = time.monotonic()
            await self._workspace.ask("read what the job wrote", lambda _: self._copy(run_id))
            followed.looked_at = began_at

    def _copy(self, run_id: str) -> None:
        blobs = self._artifacts.of_run(run_id)
        try:
            self._of(run_id).mirror.follow(blobs, self._artifacts.read)
        except OSError as error:
            if error.filename is None and error.errno not in _FULL:
                raise  # the network's
            raise DiskFullError(
                f"What {run_id} wrote cannot be copied to {self._folder}: {error.strerror}. "
                "Free some space there."
            ) from error

    async def _recorded(self, run_id: str) -> RunRecord | None:
        """Return MLflow's record of the run's present job, at most some seconds old."""
        job, followed = self._job_of(run_id), self._of(run_id)
        if job is None:
            return None
        if time.monotonic() - followed.recorded_at >= RECORD_LOOK_S:
            followed.recorded_at = time.monotonic()
            try:
                followed.record = await self._workspace.ask(
                    "read the job's metrics", lambda _: self._record(job)
                )
            except UnavailableError as error:
                log.info("MLflow has no word on %s: %s", job, error)
        return followed.record

    def _record(self, job: str) -> RunRecord | None:
        try:
            return self._mlflow.run(job)
        except AnswerError as error:
            if error.answer.status == 404:
                return None
            raise

    async def _curves(self, run_id: str, record: RunRecord) -> History:
        job = self._job_of(run_id) or run_id
        return await self._workspace.ask(
            "read the job's metrics", lambda _: self._mlflow.history(job, known_keys(record))
        )

    def _of(self, run_id: str) -> Followed:
        if run_id not in self._followed:
            self._followed[run_id] = Followed(Mirror(self._folder / run_id))
        return self._followed[run_id]


def _progress(record: RunRecord) -> ProgressSeen:
    """Return what can be told of a run from its record alone."""

    def latest(key: str) -> float | None:
        found = record.metrics.get(key)
        return found[1] if found else None

    step, loss = record.metrics.get("loss", (0, None))
    return ProgressSeen(
        note="Its files cannot be read; this is what MLflow has.",
        step=step,
        loss=loss,
        eval_loss=latest("eval_loss"),
        tokens_per_s=latest("tokens_per_s"),
        failure=record.failure,
    )
