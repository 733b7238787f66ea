"""Copies of what a run's jobs wrote, below KRSP_HOME: they grow as the originals do.

All submissions and attempts of a run become one `progress.jsonl` and one `log.txt`, in the order
in which they were written, as a local run leaves them.
"""

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.azure.blobs import PIECE_BYTES, Blob
from bot.runfiles.files import RunFiles
from trainer.contract.azure_job import LOG_PREFIX, PROGRESS_PREFIX

# Nothing was added for so long: a last line without an end will get none.
SILENCE = timedelta(seconds=30)
Read = Callable[[Blob, int, int], bytes]


@dataclass
class Copy:
    """One copied file: how far each original was read, and how long the copy is.

    The note is written after the bytes. What a crash left beyond it is cut away and read again.
    """

    path: Path
    offsets: dict[str, int] = field(default_factory=dict)
    size: int = 0
    is_lines_only: bool = False  # a line that is not whole yet waits
    last: str = ""  # the original that was read last

    def follow(self, blobs: Sequence[Blob], read: Read) -> bool:
        """Append what the originals have more than was read; return whether anything was."""
        has_grown = False
        for blob in blobs:
            key = f"{blob.job}/{blob.path}"
            at = self.offsets.get(key, 0)
            if blob.bytes < at:  # it was begun anew: what it said before stays said
                at = self.offsets[key] = 0
            while at < blob.bytes:
                piece = self._usable(read(blob, at, min(PIECE_BYTES, blob.bytes - at)))
                if not piece:
                    break
                self._append(key, piece)
                at = self.offsets[key] = at + len(piece)
                has_grown = True
        return has_grown

    def _usable(self, piece: bytes) -> bytes:
        return piece[: piece.rfind(b"\n") + 1] if self.is_lines_only else piece

    def _append(self, key: str, piece: bytes) -> None:
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.truncate(self.size)
            file.seek(self.size)
            if self.last not in ("", key) and not self._ends_whole(file):
                piece = b"\n" + piece
                file.seek(self.size)
            file.write(piece)
        self.size += len(piece)
        self.last = key

    def _ends_whole(self, file: Any) -> bool:
        if self.size == 0:
            return True
        file.seek(self.size - 1)
        return bool(file.read(1) == b"\n")


class Mirror:
    """The copies of one run, in `folder`. Not for two threads at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress_path, self.log_path = folder / "progress.jsonl", folder / "log.txt"
        self._note = folder / "mirror.json"
        self._changed_at: datetime | None = None
        noted = self._noted()
        self._progress = _copy(self.progress_path, noted.get("progress"), is_lines_only=True)
        self._log = _copy(self.log_path, noted.get("log"))

    @property
    def is_empty(self) -> bool:
        """Return whether the run has written nothing so far."""
        return self._progress.size == 0 and self._log.size == 0

    def files(self) -> RunFiles:
        """Return the copies as they are read."""
        return RunFiles(self.progress_path, self.log_path, self._has_ended)

    def follow(self, blobs: Sequence[Blob], read: Read) -> None:
        """Copy what is new in a run's files. Raises OSError, and what `read` raises."""
        times = [blob.changed_at for blob in blobs if blob.changed_at is not None]
        self._changed_at = max(times, default=self._changed_at)
        progress = [blob for blob in blobs if _is_progress(blob)]
        if not progress and not any(_is_log(blob) for blob in blobs):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        has_grown = [
            self._progress.follow(progress, read),
            self._log.follow(_logs(blobs), read),
        ]
        if any(has_grown):
            self._write_note()

    def _has_ended(self) -> bool:
        return self._changed_at is not None and datetime.now(UTC) - self._changed_at > SILENCE

    def _noted(self) -> dict[str, Any]:
        try:
            found = json.loads(self._note.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write_note(self) -> None:
        noted = {
            name: {"offsets": copy.offsets, "bytes": copy.size, "last": copy.last}
            for name, copy in (("progress", self._progress), ("log", self._log))
        }
        beside = self._note.with_name(f".{self._note.name}.{os.getpid()}")
        beside.write_text(json.dumps(noted), "utf-8")
        beside.replace(self._note)


def _copy(path: Path, noted: dict[str, Any] | None, *, is_lines_only: bool = False) -> Copy:
    if noted is None or not path.exists() or path.stat().st_size < int(noted["bytes"]):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
        return Copy(path, is_lines_only=is_lines_only)
    return Copy(path, dict(noted["offsets"]), int(noted["bytes"]), is_lines_only, noted["last"])


def _is_progress(blob: Blob) -> bool:
    return blob.path.startswith(PROGRESS_PREFIX) and blob.path.endswith(".jsonl")


def _is_log(blob: Blob) -> bool:
    return blob.path.startswith(LOG_PREFIX)


def _logs(blobs: Sequence[Blob]) -> list[Blob]:
    """Return one log of each job: of several processes the first one's says all."""
    first: dict[str, Blob] = {}
    for blob in blobs:
        if _is_log(blob):
            first.setdefault(blob.job, blob)
    return list(first.values())
