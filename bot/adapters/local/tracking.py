"""Tracking over the files that a local job writes: `output/progress.jsonl` and `log.txt`."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

from typing_extensions import override

from bot.adapters.local.curves import metrics
from bot.adapters.local.folders import run_folder
from bot.adapters.local.log_file import LogFile
from bot.adapters.local.progress_file import ProgressFile
from bot.domain.run import ProgressSeen
from bot.errors import UnavailableError
from bot.ports import LogHits, LogLines, Marks, Metrics, MetricsQuery, Tracking

T = TypeVar("T")
TAIL_LINES = 20
TAIL_CHARACTERS = 500  # of each line: the summary is stored with the run at every look
MOST_LINES = 5_000
KEPT_RUNS = 64


class _RunFiles:
    """What is known of one run's files; `lock` lets one thread at a time read on."""

    def __init__(self, folder: Path) -> None:
        self.lock = Lock()
        self.progress_path = folder / "output" / "progress.jsonl"
        self.log_path = folder / "log.txt"
        self._exit_path = folder / "exit.json"
        self._progress = ProgressFile(self.progress_path)
        self._log = LogFile(self.log_path)
        self._seen: tuple[Marks, bool, ProgressSeen] | None = None

    def marks(self) -> Marks:
        return Marks(_size(self.progress_path), _size(self.log_path))

    def progress(self) -> ProgressFile:
        self._progress.refresh()
        return self._progress

    def log(self) -> LogFile:
        self._log.refresh(has_ended=self._has_ended())
        return self._log

    def seen(self) -> ProgressSeen | None:
        """Return the summary, made anew only when a file has grown."""
        marks, has_ended = self.marks(), self._has_ended()
        if self._seen is None or self._seen[:2] != (marks, has_ended):
            summary = self.progress().history.seen()
            tail = self.log().lines(-TAIL_LINES, TAIL_LINES).texts
            short = tuple(line[:TAIL_CHARACTERS] for line in tail)
            self._seen = (marks, has_ended, replace(summary, log_tail=short))
        is_silent = not self._progress.lines and not self._log.total
        return None if is_silent else self._seen[2]

    def _has_ended(self) -> bool:
        """Return whether the job's end was noted after the last word of its log."""
        try:
            return self._exit_path.stat().st_mtime_ns >= self.log_path.stat().st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):
            return False


class LocalTracking(Tracking):
    """Reads below `home` (KRSP_HOME), off the loop; remembers the runs that were last asked for."""

    def __init__(self, home: Path, kept_runs: int = KEPT_RUNS) -> None:
        self._home = home
        self._kept_runs = kept_runs
        self._files: OrderedDict[str, _RunFiles] = OrderedDict()

    @override
    async def observe(self, run_ids: Collection[str]) -> Mapping[str, ProgressSeen]:
        found = {run_id: await self._ask(run_id, _RunFiles.seen) for run_id in run_ids}
        return {run_id: seen for run_id, seen in found.items() if seen is not None}

    @override
    async def marks(self, run_ids: Collection[str]) -> Mapping[str, Marks]:
        found = {run_id: await self._ask(run_id, _RunFiles.marks) for run_id in run_ids}
        return {run_id: marks for run_id, marks in found.items() if marks != Marks(0, 0)}

    @override
    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        return await self._ask(run_id, lambda files: metrics(files.progress().history, query))

    @override
    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        def look(files: _RunFiles) -> LogLines:
            log = files.log()
            lines = log.lines(first, min(count, MOST_LINES))
            return LogLines(tuple(lines.texts), lines.first, log.total)

        return await self._ask(run_id, look)

    @override
    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        def look(files: _RunFiles) -> LogHits:
            numbers, total = files.log().search(text, limit)
            return LogHits(tuple(numbers), total)

        return await self._ask(run_id, look)

    @override
    async def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        pieces = await self._ask(run_id, lambda files: files.log().pieces())
        while (piece := await self._ask(run_id, lambda _: next(pieces, None))) is not None:
            yield ("\n".join(piece.texts) + "\n").encode()

    async def _ask(self, run_id: str, look: Callable[[_RunFiles], T]) -> T:
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

    def _of(self, run_id: str) -> _RunFiles:
        files = self._files.pop(run_id, None) or _RunFiles(run_folder(self._home, "jobs", run_id))
        self._files[run_id] = files
        while len(self._files) > self._kept_runs:
            self._files.popitem(last=False)
        return files


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
