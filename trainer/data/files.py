"""Read the rows of one data file; every fault is named by file and line, the first ten in words."""

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from trainer.contract.data import Format
from trainer.contract.data_files import file_hash, saved_hash
from trainer.data.broken import fault_in
from trainer.data.formats import parse_row
from trainer.data.rows import Kinds, Row, RowError, texts
from trainer.json_text import JsonError, parse_json

SHOWN_FAULTS = 10
# Long enough that a document fills a few windows of a small model, short enough that a book
# gives some documents to hold out.
DOCUMENT_CHARACTERS = 4000
# A row of a million tokens has a tenth of it; what is longer is a file without line ends.
LONGEST_LINE_BYTES = 64_000_000
# How files of UTF-16 and UTF-32 begin, which some editors and spreadsheets write.
_OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass
class Findings:
    """What one reading has found: the number of rows, the first faults with the number of all.

    `file` is the one that is being read, and `unit` what its places are called.
    """

    name: str
    kinds: Kinds
    file: str = ""
    unit: str = "line"
    format: str = "built in"
    rows: int = 0
    shown: list[str] = field(default_factory=list)
    count: int = 0
    digest: str = ""

    def begin(self, file: str, unit: str = "line") -> None:
        """Take what follows to be of another file."""
        self.file, self.unit = file, unit

    @property
    def where(self) -> str:
        """Return what comes before the number of a place."""
        return f"{self.file or self.name}, {self.unit}"

    def fault(self, line: int, message: str) -> None:
        """Take note of something wrong."""
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"{self.where} {line}: {message}.")

    def row(self, value: Any, line: int) -> Iterator[Row]:
        """Yield the row that `value` is, or take note of what is wrong with it."""
        try:
            row = parse_row(value, line, self.kinds, self.where)
            _check_text(row)
        except RowError as error:
            self.fault(line, str(error))
        else:
            self.rows += 1
            yield row


def _check_text(row: Row) -> None:
    for text in texts(row):
        fault = fault_in(text)
        if fault is not None:
            raise RowError(fault)


def _read_jsonl(path: Path, findings: Findings) -> Iterator[Row]:
    if path.suffix.lower() == ".json" and _is_array(path):
        yield from _read_array(path, findings)
        return
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number, raw in enumerate(_whole_lines(file, digest, findings), 1):
            text = _decoded(raw, number, findings)
            if text is None or not text.strip():
                continue
            try:
                value = parse_json(text)
            except JsonError as error:
                findings.fault(number, f"expected one JSON object; {error}")
            else:
                yield from findings.row(value, number)
    findings.digest = digest.hexdigest()


def _whole_lines(file: BinaryIO, digest: Any, findings: Findings) -> Iterator[bytes]:
    """Yield each line, an empty one for one that is too long to be held."""
    number = 0
    while line := file.readline(LONGEST_LINE_BYTES):
        number += 1
        digest.update(line)
        if len(line) == LONGEST_LINE_BYTES and not line.endswith(b"\n"):
            findings.fault(number, f"longer than {LONGEST_LINE_BYTES:,} bytes, which is no row")
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE_BYTES)
                digest.update(line)
            line = b""
        yield line


def wide_fault(path: Path) -> str | None:
    """Return in words that a text file is not UTF-8 but a wider kind of Unicode, or None."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_OTHER_UNICODE) or start[:2].count(0) == 1:
        return "the file is UTF-16 or UTF-32; write it again as UTF-8"
    return None


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _read_array(path: Path, findings: Findings) -> Iterator[Row]:
    """Yield the rows of a file that is one JSON list, as Alpaca and ShareGPT are given away."""
    findings.unit = "entry"
    raw = path.read_bytes()
    findings.digest = hashlib.sha256(raw).hexdigest()
    try:
        values = parse_json(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        findings.unit = "byte"
        findings.fault(error.start + 1, f"expected UTF-8; found 0x{raw[error.start]:02x}")
        return
    except JsonError as error:
        findings.unit = "line"
        findings.fault(error.line, f"expected JSON; {error}")
        return
    for number, value in enumerate(values, 1):
        yield from findings.row(value, number)


def _decoded(raw: bytes, number: int, findings: Findings) -> str | None:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        findings.fault(
            number, f"expected UTF-8; byte {error.start + 1} is 0x{raw[error.start]:02x}"
        )
        return None


def _read_parquet(path: Path, findings: Findings) -> Iterator[Row]:
    # pyarrow takes 0.3 s to load, and `validate` seldom needs it.
    arrow = importlib.import_module("trainer.data.arrow")
    findings.unit = "row"
    for number, value in enumerate(arrow.iterate_parquet(path), 1):
        yield from findings.row(value, number)
    findings.digest = file_hash(path)


def _read_saved(folder: Path, findings: Findings) -> Iterator[Row]:
    """Yield the rows of a data set saved to disk."""
    arrow = importlib.import_module("trainer.data.arrow")
    findings.unit = "row"
    for number, value in enumerate(arrow.iterate_saved(folder), 1):
        yield from findings.row(value, number)
    findings.digest = saved_hash(folder)


def _read_text(path: Path, findings: Findings) -> Iterator[Row]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number, text in documents(_lines(file, digest, findings)):
            yield from findings.row({"text": text}, number)
    findings.digest = digest.hexdigest()


def _lines(file: BinaryIO, digest: Any, findings: Findings) -> Iterator[str]:
    """Yield each line, one that cannot be read as an empty one; they end as `splitlines` says."""
    number = 0
    for piece in _whole_lines(file, digest, findings):
        for line in piece.splitlines(keepends=True):
            number += 1
            yield _decoded(line, number, findings) or ""


def documents(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield (first line's number, text) of about `DOCUMENT_CHARACTERS`, cut at blank lines.

    A stretch without blank lines is cut at line ends once it is twice as long.
    """
    piece: list[str] = []
    start, size = 1, 0
    for number, line in enumerate(lines, 1):
        piece.append(line)
        size += len(line)
        limit = DOCUMENT_CHARACTERS if not line.strip() else 2 * DOCUMENT_CHARACTERS
        if size >= limit:
            yield start, "".join(piece)
            piece, start, size = [], number + 1, 0
    if "".join(piece).strip():
        yield start, "".join(piece)


READERS: Mapping[Format, Callable[[Path, Findings], Iterator[Row]]] = {
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
    "text": _read_text,
    "arrow": _read_saved,
}
