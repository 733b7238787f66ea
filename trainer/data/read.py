"""Read a data source into checked rows; every fault is named by file and line, many at once."""

import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from trainer.contract.data import DataSource
from trainer.data.builtin import BUILTINS
from trainer.data.formats import parse_row
from trainer.data.rows import Kinds, Row, RowError, row_json
from trainer.errors import BadDataError

Format = Literal["jsonl", "parquet", "text"]

ASSET = "azureml:"
SHOWN_FAULTS = 10
# Long enough that a document fills a few windows of a small model, short enough that a book
# gives some documents to hold out.
DOCUMENT_CHARACTERS = 4000
_ENDINGS: Mapping[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "text",
    ".md": "text",
    ".rst": "text",
}


@dataclass(frozen=True)
class Rows:
    """The checked rows of one source; `sha256` is the file's, or that of a builtin's lines."""

    rows: tuple[Row, ...]
    sha256: str


@dataclass
class _Findings:
    """What one reading has found: the number of rows, the first faults with the number of all."""

    name: str
    kinds: Kinds
    unit: str = "line"
    rows: int = 0
    shown: list[str] = field(default_factory=list)
    count: int = 0
    digest: str = ""

    def fault(self, line: int, message: str) -> None:
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"{self.name}, {self.unit} {line}: {message}.")

    def row(self, value: Any, line: int) -> Iterator[Row]:
        """Yield the row that `value` is, or take note of what is wrong with it."""
        try:
            row = parse_row(value, line, self.kinds, self.name)
        except RowError as error:
            self.fault(line, str(error))
        else:
            self.rows += 1
            yield row


class RowReader:
    """The rows of one source, read anew each time they are iterated over, one at a time.

    A relative path counts from `folder`; `place` is where the source was put: the file, or a
    folder with this one file in it.

    The iteration ends in `BadDataError` for a missing, empty or malformed source: with the first
    ten faults and the number of all, or when the hash is not the spec's or that of the first time.
    """

    def __init__(
        self, source: DataSource, kinds: Kinds, folder: Path, place: Path | None = None
    ) -> None:
        self.source = source
        self._kinds, self._folder, self._place = kinds, folder, place
        self.sha256 = ""  # once it was read to its end

    def __iter__(self) -> Iterator[Row]:
        source, findings = self.source, _Findings(self.source.uri, self._kinds)
        if source.uri.startswith("builtin:"):
            yield from _read_builtin(findings)
        else:
            path = _placed(source, self._folder, self._place)
            yield from _read_file(path, source, findings)
        wanted = source.sha256 or self.sha256
        if wanted and wanted != findings.digest:
            says = "the spec says" if source.sha256 else "before it was"
            raise BadDataError(
                f"{source.uri} has changed: its sha256 is {findings.digest}, and {says} {wanted}.",
                remedy="Bring back the file that was approved, or make a new run with the new one.",
            )
        self.sha256 = findings.digest


def read_rows(source: DataSource, kinds: Kinds, folder: Path, place: Path | None = None) -> Rows:
    """Return all rows of `source` at once; see `RowReader`."""
    reader = RowReader(source, kinds, folder, place)
    return Rows(tuple(reader), reader.sha256)


def _placed(source: DataSource, folder: Path, place: Path | None) -> Path:
    if place is None and source.uri.startswith(ASSET):
        raise BadDataError(
            f"{source.uri} is a data asset of Azure ML, and this machine has no copy of it.",
            remedy="Give one with --input train=FILE, or submit the run to Azure ML.",
        )
    if place is None:
        return folder / source.uri
    if not place.is_dir():
        return place
    files = [path for path in place.rglob("*") if path.is_file()]
    if len(files) != 1:
        raise BadDataError(
            f"{source.uri} has {len(files)} files; a run reads one.",
            remedy="Register the one file that is meant as an asset of its own.",
        )
    return files[0]


def _read_builtin(findings: _Findings) -> Iterator[Row]:
    build = BUILTINS.get(findings.name)
    if build is None:
        raise BadDataError(
            f"There is no data source {findings.name}.",
            remedy=f"There are: {', '.join(BUILTINS)}.",
        )
    rows = build()
    try:
        findings.kinds.check(rows[0])
    except RowError as error:
        raise BadDataError(
            f"{findings.name}: {error}.", remedy="Choose data that fits the method."
        ) from error
    lines = "\n".join(row_json(row) for row in rows)
    findings.digest = hashlib.sha256(lines.encode()).hexdigest()
    yield from rows


def _read_file(path: Path, source: DataSource, findings: _Findings) -> Iterator[Row]:
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise BadDataError(
            f"The data file {source.uri} {found}.",
            remedy="Give the path of a JSONL, Parquet or text file that this machine can read.",
        )
    try:
        yield from _READERS[_format(path, source)](path, findings)
    except OSError as error:
        raise BadDataError(
            f"The data file {source.uri} cannot be read: {error.strerror or error}.",
            remedy="Check that the file is whole and that this user may read it.",
        ) from error
    _refuse(findings)


def _refuse(findings: _Findings) -> None:
    remedy = "Correct the rows named here; docs/how-to/bring-data.md shows each format."
    if findings.count:
        hidden = findings.count - len(findings.shown)
        more = f" ... and {hidden} more." if hidden else ""
        raise BadDataError(
            " ".join(findings.shown) + more,
            remedy=remedy,
            faults=findings.shown,
            count=findings.count,
        )
    if not findings.rows:
        raise BadDataError(
            f"The data file {findings.name} is empty: it has no rows.", remedy=remedy
        )


def _format(path: Path, source: DataSource) -> Format:
    if source.format != "auto":
        return source.format
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError as error:
        raise BadDataError(
            f"The kind of {source.uri} cannot be told from its name.",
            remedy=f"Set data.train.format, or use one of {', '.join(_ENDINGS)}.",
        ) from error


def _read_jsonl(path: Path, findings: _Findings) -> Iterator[Row]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            digest.update(raw)
            text = _decoded(raw, number, findings)
            if text is None or not text.strip():
                continue
            try:
                value = json.loads(text)
            except json.JSONDecodeError as error:
                where = f"column {error.colno}"
                findings.fault(number, f"expected one JSON object; {error.msg} at {where}")
            else:
                yield from findings.row(value, number)
    findings.digest = digest.hexdigest()


def _decoded(raw: bytes, number: int, findings: _Findings) -> str | None:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        findings.fault(
            number, f"expected UTF-8; byte {error.start + 1} is 0x{raw[error.start]:02x}"
        )
        return None


def _read_parquet(path: Path, findings: _Findings) -> Iterator[Row]:
    # pyarrow takes 0.3 s to load, and `validate` seldom needs it.
    parquet = importlib.import_module("trainer.data.parquet")
    findings.unit = "row"
    for number, value in enumerate(parquet.iterate(path), 1):
        yield from findings.row(value, number)
    findings.digest = file_hash(path)


def _read_text(path: Path, findings: _Findings) -> Iterator[Row]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number, text in documents(_lines(file, digest, findings)):
            yield from findings.row({"text": text}, number)
    findings.digest = digest.hexdigest()


def _lines(file: Iterable[bytes], digest: Any, findings: _Findings) -> Iterator[str]:
    """Yield each line, one that cannot be read as an empty one; they end as `splitlines` says."""
    number = 0
    for piece in file:
        digest.update(piece)
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


def file_hash(path: Path) -> str:
    """Return the sha256 of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_READERS = {"jsonl": _read_jsonl, "parquet": _read_parquet, "text": _read_text}
