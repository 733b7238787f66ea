"""Read a data source into checked rows; every fault is named by file and line, many at once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.contract.data import DataSource
from trainer.contract.data_files import LayoutError, find_files, hash_of_all
from trainer.data.builtin import BUILTINS
from trainer.data.files import READERS, Findings, wide_fault
from trainer.data.rows import Kinds, Row, RowError, row_json
from trainer.errors import BadDataError

ASSET = "azureml:"


@dataclass(frozen=True)
class Rows:
    """The checked rows of one source; `sha256` is the file's, or that of a builtin's lines."""

    rows: tuple[Row, ...]
    sha256: str


class RowReader:
    """The rows of one source, read anew each time they are iterated over, one at a time.

    A relative path counts from `folder`; `place` is where the source was put. Either may be a
    file, a folder of files of one kind, or a data set that Hugging Face's library saved.

    The iteration ends in `BadDataError` for a missing, empty or malformed source: with the first
    ten faults and the number of all, or when the hash is not the spec's or that of the first time.
    """

    def __init__(
        self, source: DataSource, kinds: Kinds, folder: Path, place: Path | None = None
    ) -> None:
        self.source = source
        self._kinds, self._folder, self._place = kinds, folder, place
        self.sha256 = self.format = ""  # once it was read to its end

    def __iter__(self) -> Iterator[Row]:
        source, findings = self.source, Findings(self.source.uri, self._kinds)
        if source.uri.startswith("builtin:"):
            yield from _read_builtin(findings)
        else:
            path = _placed(source, self._folder, self._place)
            yield from _read_files(path, source, findings)
        wanted = source.sha256 or self.sha256
        if wanted and wanted != findings.digest:
            says = "the spec says" if source.sha256 else "before it was"
            raise BadDataError(
                f"{source.uri} has changed: its sha256 is {findings.digest}, and {says} {wanted}.",
                remedy="Bring back the file that was approved, or make a new run with the new one.",
            )
        self.sha256, self.format = findings.digest, findings.format


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
    return folder / source.uri if place is None else place


def _read_builtin(findings: Findings) -> Iterator[Row]:
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


def _read_files(path: Path, source: DataSource, findings: Findings) -> Iterator[Row]:
    try:
        found = find_files(path, source)
    except LayoutError as error:
        raise BadDataError(str(error), remedy=error.remedy) from error
    findings.format = found.format
    digests = []
    for file in found.files:
        findings.begin(file.name)
        try:
            wide = wide_fault(file.path) if found.format in ("jsonl", "text") else None
            if wide is not None:
                findings.fault(1, wide)
                continue
            yield from READERS[found.format](file.path, findings)
        except OSError as error:
            raise BadDataError(
                f"The data file {file.name} cannot be read: {error.strerror or error}.",
                remedy="Check that the file is whole and that this user may read it.",
            ) from error
        digests.append((findings.digest, file.inside))
    findings.digest = hash_of_all(digests)
    _refuse(findings)


def _refuse(findings: Findings) -> None:
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
