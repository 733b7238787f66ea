"""Find the files of a data source: one file, a folder of shards, or a data set saved to disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.contract.data import DataSource, Format
from trainer.errors import BadDataError

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
    """Return what lies at `path`, where the spec's source was put. Raises `BadDataError`.

    Of a data set with several splits it is the one named train; another is its own folder's path.
    """
    if path.is_file():
        return Found(_format(path, source), (File(path, source.uri),))
    if not path.is_dir():
        raise BadDataError(
            f"The data file {source.uri} does not exist.",
            remedy="Give the path of a JSONL, Parquet or text file, of a folder of such files, or "
            "of a data set saved to disk, that this machine can read.",
        )
    if (path / _SAVED).is_file() or (path / _SPLITS).is_file() or source.format == "arrow":
        return _saved(path, source)
    return _shards(path, source)


def _saved(path: Path, source: DataSource) -> Found:
    if (path / _SAVED).is_file():
        return Found("arrow", (File(path, source.uri),))
    if not (path / _SPLITS).is_file():
        raise BadDataError(
            f"The folder {source.uri} holds no data set saved to disk: {_SAVED} is missing.",
            remedy="Save it with `Dataset.save_to_disk`, or set data.train.format to auto.",
        )
    names = sorted(one.parent.name for one in path.glob(f"*/{_SAVED}"))
    if _LEARNED in names:
        return Found("arrow", (File(path / _LEARNED, f"{source.uri}/{_LEARNED}"),))
    raise BadDataError(
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
        raise BadDataError(
            f"The data file {source.uri} is a folder with no data in it.",
            remedy=f"Put files into it that end in one of {', '.join(_ENDINGS)}.",
        )
    formats = sorted({_format(file.path, source) for file in kept})
    if len(formats) > 1:
        raise BadDataError(
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
        raise BadDataError(
            f"The kind of {source.uri} cannot be told from its name.",
            remedy=f"Set data.train.format, or use one of {', '.join(_ENDINGS)}.",
        ) from error
