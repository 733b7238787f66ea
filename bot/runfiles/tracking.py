"""Tracking over files on this machine, wherever each run's files lie."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import TypeVar

from typing_extensions import override

from bot.domain.run import ProgressSeen
from bot.errors import UnavailableError
from bot.ports import LogHits, LogLines, Marks, Metrics, MetricsQuery, Tracking
from bot.runfiles.curves import metrics
from bot.runfiles.files import RunFiles

T = TypeVar("T")
MOST_LINES = 5_000
KEPT_RUNS = 64


class FileTracking(Tracking):
    """Reads off the loop; remembers the runs that were last asked for. `find` gives their files."""

    def __init__(self, find: Callable[[str], RunFiles], kept_runs: int = KEPT_RUNS) -> None:
        self._find = find
        self._kept_runs = kept_runs
        self._files: OrderedDict[str, RunFiles] = OrderedDict()

    @override
    async def observe(self, run_ids: Collection[str]) -> Mapping[str, ProgressSeen]:
        found = {run_id: await self._ask(run_id, RunFiles.seen) for run_id in run_ids}
        return {run_id: seen for run_id, seen in found.items() if seen is not None}

    @override
    async def marks(self, run_ids: Collection[str]) -> Mapping[str, Marks]:
        found = {run_id: await self._ask(run_id, RunFiles.marks) for run_id in run_ids}
        return {run_id: marks for run_id, marks in found.items() if marks != Marks(0, 0)}

    @override
    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        return await self._ask(run_id, lambda files: metrics(files.progress().history, query))

    @override
    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        def look(files: RunFiles) -> LogLines:
            log = files.log()
            lines = log.lines(first, min(count, MOST_LINES))
            return LogLines(tuple(lines.texts), lines.first, log.total)

        return await self._ask(run_id, look)

    @override
    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        def look(files: RunFiles) -> LogHits:
            numbers, total = files.log().search(text, limit)
            return LogHits(tuple(numbers), total)

        return await self._ask(run_id, look)

    @override
    async def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        pieces = await self._ask(run_id, lambda files: files.log().pieces())
        while (piece := await self._ask(run_id, lambda _: next(pieces, None))) is not None:
            yield ("\n".join(piece.texts) + "\n").encode()

    async def _ask(self, run_id: str, look: Callable[[RunFiles], T]) -> T:
        """Look at a run's files in a thread: a log may have millions of lines."""
        files = self._of(run_id)

        def locked() -> T:
            with files.lock:
                return look(files)

        try:
            return await asyncio.to_thread(locked)
        except OSError as error:
            raise UnavailableError(
                f"What {run_id} wrote cannot be read ({error.strerror}). Try again in a moment."
            ) from error

    def _of(self, run_id: str) -> RunFiles:
        files = self._files.pop(run_id, None) or self._find(run_id)
        self._files[run_id] = files
        while len(self._files) > self._kept_runs:
            self._files.popitem(last=False)
        return files
