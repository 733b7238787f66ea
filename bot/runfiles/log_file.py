"""A growing log by line number: found in milliseconds however long, and never with a secret."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bot.domain.redact import KEY_BLOCK_BEGIN, KEY_BLOCK_END, MARK, redact
from bot.runfiles.log_text import cleaned, shortened

PIECE_BYTES = 1 << 20
EVERY = 256  # lines between two entries of the index
LONGEST_RAW_LINE = 1 << 16  # bytes of a line that are looked at: half from each end
# The longest private key in use, RSA with 16,384 bits, has some 200 lines.
LONGEST_KEY_BLOCK = 250
_CARRY = 128  # more than the first line of a private key block


@dataclass(frozen=True)
class Lines:
    """Lines `first`.. as they may be shown."""

    first: int
    texts: list[str]


class LogFile:
    """One log file with an index of its lines that grows with it; not safe for two threads."""

    def __init__(self, path: Path, piece_bytes: int = PIECE_BYTES) -> None:
        self._path, self._piece_bytes = path, piece_bytes
        self._forget()

    def _forget(self) -> None:
        self._whole = 0  # lines that have an end
        self._counts_rest = False
        self._scanned = 0  # bytes
        self._rest_at = 0  # byte after the last whole line
        self._starts = [0]  # byte at which line 1, 1 + EVERY, 1 + 2 * EVERY ... begins
        self._hidden: list[tuple[int, int]] = []  # first and last line of private keys
        self._has_open_key = False
        self._carry = b""  # the last bytes of the line that is not whole yet
        self._inode = 0

    @property
    def total(self) -> int:
        """Return how many lines there are; one without an end counts once the job has ended."""
        return self._whole + self._counts_rest

    def refresh(self, *, has_ended: bool) -> None:
        """Read what was appended; begin anew if the file is another one or has shrunk."""
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
            return
        if found.st_ino != self._inode or found.st_size < self._scanned:
            self._forget()
            self._inode = found.st_ino
        if found.st_size > self._scanned:
            with self._path.open("rb") as file:
                file.seek(self._scanned)
                while piece := file.read(self._piece_bytes):
                    self._scan(piece)
        self._counts_rest = has_ended and self._scanned > self._rest_at

    def lines(self, first: int, count: int) -> Lines:
        """Return at most `count` lines from `first` (from 1; negative: from the end)."""
        start = max(1, self.total + 1 + first if first < 0 else first)
        texts: list[str] = []
        while raw := self._raw(start + len(texts), count - len(texts)):
            texts += map(shortened, self._shown(start + len(texts), raw))
        return Lines(start, texts)

    def pieces(self, has_text: str = "") -> Iterator[Lines]:
        """Yield the log piece by piece; with `has_text` only pieces that may show it."""
        at = 1
        while raw := self._raw(at, self.total):
            if has_text in MARK or has_text in cleaned(b"".join(raw)).lower():
                yield Lines(at, self._shown(at, raw))
            at += len(raw)

    def search(self, text: str, limit: int) -> tuple[list[int], int]:
        """Return the first numbers of lines that show `text`, ignoring case, and how many do."""
        wanted = text.lower()
        found: list[int] = []
        total = 0
        for piece in self.pieces(wanted):
            for number, line in enumerate(piece.texts, piece.first):
                if wanted in line.lower():
                    total += 1
                    if len(found) < limit:
                        found.append(number)
        return found, total

    def _scan(self, piece: bytes) -> None:
        """Take the next bytes into the index."""
        if self._has_open_key or b"PRIVATE KEY-----" in self._carry + piece:
            self._note_keys(self._carry + piece)
        at = -1
        while (at := piece.find(b"\n", at + 1)) >= 0:
            self._whole += 1
            self._rest_at = self._scanned + at + 1
            if self._whole % EVERY == 0:
                self._starts.append(self._rest_at)
        self._carry = (self._carry + piece).rpartition(b"\n")[2][-_CARRY:]
        self._scanned += len(piece)

    def _note_keys(self, raw: bytes) -> None:
        for number, line in enumerate(cleaned(raw).split("\n"), self._whole + 1):
            if not self._has_open_key and KEY_BLOCK_BEGIN.search(line):
                self._has_open_key = True
                self._hidden.append((number, number + LONGEST_KEY_BLOCK))
            if self._has_open_key:
                begin, _ = self._hidden[-1]
                if KEY_BLOCK_END.search(line):
                    self._hidden[-1] = (begin, number)
                self._has_open_key = number < self._hidden[-1][1]

    def _raw(self, start: int, count: int) -> list[bytes]:
        """Return lines from `start`, each with its end: at most `count`, and about a piece."""
        most = min(count, self.total - start + 1)
        lines: list[bytes] = []
        if most <= 0:
            return lines
        size = 0
        with self._path.open("rb") as file:
            file.seek(self._starts[(start - 1) // EVERY])
            for _ in range((start - 1) % EVERY):
                _read_line(file)
            while len(lines) < most and size < self._piece_bytes:
                lines.append(_read_line(file))
                size += len(lines[-1])
        return lines

    def _shown(self, first: int, raw: list[bytes]) -> list[str]:
        if not raw:
            return []
        lines = cleaned(b"".join(raw)).removesuffix("\n").split("\n")
        for at in range(len(lines)):
            if self._is_hidden(first + at):
                lines[at] = MARK
        return redact("\n".join(lines)).split("\n")

    def _is_hidden(self, line: int) -> bool:
        at = bisect_right(self._hidden, line, key=lambda block: block[0]) - 1
        return at >= 0 and line <= self._hidden[at][1]


def _read_line(file: BinaryIO) -> bytes:
    """Return the next line with its end; of a very long one, its beginning and its last part."""
    line = file.readline(LONGEST_RAW_LINE)
    if line.endswith(b"\n") or len(line) < LONGEST_RAW_LINE:
        return line.removesuffix(b"\n") + b"\n"
    half = LONGEST_RAW_LINE // 2
    last = line
    while not last.endswith(b"\n") and (more := file.readline(LONGEST_RAW_LINE)):
        last = last[-half:] + more
    return line[:half] + last.removesuffix(b"\n")[-half:] + b"\n"
