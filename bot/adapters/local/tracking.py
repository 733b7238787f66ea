"""Tracking over the files that a local job writes: `output/progress.jsonl` and `log.txt`."""

from pathlib import Path

from bot.adapters.local.folders import run_folder
from bot.runfiles.files import RunFiles
from bot.runfiles.tracking import KEPT_RUNS, FileTracking


class LocalTracking(FileTracking):
    """Reads below `home` (KRSP_HOME)."""

    def __init__(self, home: Path, kept_runs: int = KEPT_RUNS) -> None:
        super().__init__(lambda run_id: _files(run_folder(home, "jobs", run_id)), kept_runs)


def _files(folder: Path) -> RunFiles:
    log, ended = folder / "log.txt", folder / "exit.json"

    def has_ended() -> bool:
        """Return whether the job's end was noted after the last word of its log."""
        try:
            return ended.stat().st_mtime_ns >= log.stat().st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):
            return False

    return RunFiles(folder / "output" / "progress.jsonl", log, has_ended)
