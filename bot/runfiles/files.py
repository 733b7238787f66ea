"""One run's two files, `progress.jsonl` and its log, and what was understood of them so far."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

from bot.domain.run import ProgressSeen
from bot.ports import Marks
from bot.runfiles.log_file import LogFile
from bot.runfiles.progress_file import ProgressFile

TAIL_LINES = 20
TAIL_CHARACTERS = 500  # of each line: the summary is stored with the run at every look


class RunFiles:
    """Reads on where it stopped; `lock` lets one thread at a time do so.

    `has_ended` says whether nobody will write to the log any more: only then does a last line
    without an end count.
    """

    def __init__(self, progress: Path, log: Path, has_ended: Callable[[], bool]) -> None:
        self.lock = Lock()
        self._paths = progress, log
        self._has_ended = has_ended
        self._progress = ProgressFile(progress)
        self._log = LogFile(log)
        self._seen: tuple[Marks, bool, ProgressSeen] | None = None

    def marks(self) -> Marks:
        """Return how far both files have grown."""
        progress, log = self._paths
        return Marks(_size(progress), _size(log))

    def progress(self) -> ProgressFile:
        """Return the progress, read to its end."""
        self._progress.refresh()
        return self._progress

    def log(self) -> LogFile:
        """Return the log, read to its end."""
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


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
