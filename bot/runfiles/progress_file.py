"""A growing `progress.jsonl`, read once: each look takes only what was appended since."""

import logging
from pathlib import Path

from pydantic import ValidationError

from bot.runfiles.history import History
from trainer.contract.progress import read_line

log = logging.getLogger(__name__)

PIECE_BYTES = 1 << 20


class ProgressFile:
    """One run's progress. `lines` counts what was understood, `skipped` what was not.

    A last line without an end waits: it is still being written, or a killed attempt left it, and
    then the next attempt cuts it away. Not safe for two threads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    def _forget(self) -> None:
        self.history = History()
        self.lines = 0
        self.skipped = 0
        self._bytes = 0
        self._inode = 0

    def refresh(self) -> None:
        """Read what was appended; begin anew if the file is another one or has shrunk."""
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
            return
        if found.st_ino != self._inode or found.st_size < self._bytes:
            self._forget()
            self._inode = found.st_ino
        if found.st_size > self._bytes:
            self._read()

    def _read(self) -> None:
        held = b""
        with self._path.open("rb") as file:
            file.seek(self._bytes)
            while piece := file.read(PIECE_BYTES):
                *whole, held = (held + piece).split(b"\n")
                for line in whole:
                    self._take(line)
                    self._bytes += len(line) + 1

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            self.history.add(read_line(line))
        except ValidationError:
            self.skipped += 1
            log.warning("a line of %s cannot be read and is skipped", self._path)
        else:
            self.lines += 1
