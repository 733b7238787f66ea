"""Which files a data source is, and their hash: the bot pins what the trainer will read.

A source is one file, a folder of shards, or a data set that Hugging Face's library saved to disk.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.contract.data import DataSource, Format

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
# What `datasets` writes: the first beside the Arrow files, the second above several splits.
_SAVED, _SPLITS = "state.json", "dataset_dict.json"
_LEARNED = "train"


class LayoutError(ValueError):
    """What lies at a source's path is no data; `remedy` says what to do."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class File:
    """A file, what to call it in a sentence, and its path inside of a folder."""

    path: Path
    name: str
    inside: str = ""


@dataclass(frozen=True)
class Found:
    """The files of a source in their order, all of one format."""

    format: Format
    files: tuple[File, ...]


def find_files(path: Path, source: DataSource) -> Found:
    """Return what lies at `path`, where the spec's source was put. Raises `LayoutError`.

    Of a data set with several splits it is the one named train; another is its own folder's path.
    """
    if path.is_file():
        return Found(_format(path, source), (File(path, source.uri),))
    if not path.is_dir():
        raise LayoutError(
            f"The data file {source.uri} does not exist.",
            remedy="Give the path of a JSONL, Parquet or text file, of a folder of such files, or "
            "of a data set saved to disk, that this machine can read.",
        )
    if (path / _SAVED).is_file() or (path / _SPLITS).is_file() or source.format == "arrow":
        return _saved(path, source)
    return _shards(path, source)


def file_hash(path: Path) -> str:
    """Return the sha256 of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def saved_hash(folder: Path) -> str:
    """Return the sha256 over the hashes of a saved data set's Arrow files, in order of names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.arrow")):
        digest.update(bytes.fromhex(file_hash(path)))
    return digest.hexdigest()


def source_hash(found: Found) -> str:
    """Return the hash that a spec has for these files."""
    hash_of = saved_hash if found.format == "arrow" else file_hash
    return hash_of_all([(hash_of(file.path), file.inside) for file in found.files])


def hash_of_all(digests: Sequence[tuple[str, str]]) -> str:
    """Return the one hash of (hash, path inside of the folder): of several what they print as.

    That is the sha256 of the lines that `sha256sum` prints of the files.
    """
    if len(digests) == 1:
        return digests[0][0]
    lines = "".join(f"{digest}  {name}\n" for digest, name in digests)
    return hashlib.sha256(lines.encode()).hexdigest()


def _saved(path: Path, source: DataSource) -> Found:
    if (path / _SAVED).is_file():
        return Found("arrow", (File(path, source.uri),))
    if not (path / _SPLITS).is_file():
        raise LayoutError(
            f"The folder {source.uri} holds no data set saved to disk: {_SAVED} is missing.",
            remedy="Save it with `Dataset.save_to_disk`, or set data.train.format to auto.",
        )
    names = sorted(one.parent.name for one in path.glob(f"*/{_SAVED}"))
    if _LEARNED in names:
        return Found("arrow", (File(path / _LEARNED, f"{source.uri}/{_LEARNED}"),))
    raise LayoutError(
        f"The data set {source.uri} has the splits {', '.join(names) or 'of no name'}, and none "
        f"is called {_LEARNED}.",
        remedy=f"Name the one that is meant: {source.uri}/<split>.",
    )


def _shards(path: Path, source: DataSource) -> Found:
    files = [
        File(path / inside, f"{source.uri}/{inside.as_posix()}", inside.as_posix())
        for inside in sorted(one.relative_to(path) for one in path.rglob("*"))
        if (path / inside).is_file() and not _is_beside(inside)
    ]
    if len(files) == 1:
        return Found(_format(files[0].path, source), (File(files[0].path, source.uri),))
    kept = [file for file in files if file.path.suffix.lower() in _ENDINGS]
    if not kept:
        raise LayoutError(
            f"The data file {source.uri} is a folder with no data in it.",
            remedy=f"Put files into it that end in one of {', '.join(_ENDINGS)}.",
        )
    formats = sorted({_format(file.path, source) for file in kept})
    if len(formats) > 1:
        raise LayoutError(
            f"The folder {source.uri} has files of several formats: {', '.join(formats)}.",
            remedy="Give a folder for each, or the one file that is meant.",
        )
    return Found(formats[0], tuple(kept))


def _is_beside(path: Path) -> bool:
    """Return whether a file only accompanies the data: hidden, half written, or a README."""
    return any(part.startswith((".", "_")) for part in path.parts) or path.stem == "README"


def _format(path: Path, source: DataSource) -> Format:
    if source.format != "auto":
        return source.format
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError as error:
        raise LayoutError(
            f"The kind of {source.uri} cannot be told from its name.",
            remedy=f"Set data.train.format, or use one of {', '.join(_ENDINGS)}.",
        ) from error
