"""Keep tokenizers and encoded rows on disk, named by the hash of everything that decides them.

Encoded rows are written piece by piece and read through the disk's cache (memory-mapped), so that
data need not fit in memory; see docs/decisions/0027-data-on-disk.md.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tokenizers
import transformers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from trainer.contract.data import Data
from trainer.tokens.arrays import GrowingArray, read_array
from trainer.tokens.encode import Chunk, Sequences, Tally

_CODE = (Path(__file__).parent, Path(__file__).parent.parent / "data")
ARRAYS = {
    "tokens": np.int32,
    "learned": np.bool_,
    "starts": np.int64,
    "rows": np.int64,
    "targets": np.int64,
}
COUNTS = "counts.json"
Kept = TypeVar("Kept")
# What is kept at most: this, or a tenth of the disk. A gigabyte is about 200 million tokens.
MOST_BYTES, MOST_OF_DISK = 20_000_000_000, 0.1
ABANDONED_S = 24 * 3600  # a half-written entry of a killed process, once it is this old


def cache_key(*parts: object) -> str:
    """Return a name for what comes of `parts` with the code and the libraries as they are."""
    code = [path.read_text("utf-8") for folder in _CODE for path in sorted(folder.rglob("*.py"))]
    versions = [tokenizers.__version__, transformers.__version__, np.__version__]
    text = json.dumps([*map(str, parts), *code, *versions])
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the hash of all that decides how it encodes a conversation."""
    parts = (
        tokenizer.backend_tokenizer.to_str(),
        tokenizer.chat_template,
        str(tokenizer.special_tokens_map),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def kept_tokenizer(
    folder: Path, key: str, make: Callable[[], PreTrainedTokenizerBase]
) -> PreTrainedTokenizerBase:
    """Return the tokenizer kept under `key`, or make and keep it."""
    # Loaded again even when just made, so that every attempt has exactly the same one.
    return _kept(
        folder / f"tokenizer-{key}",
        lambda beside: make().save_pretrained(beside),
        lambda path: PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True),
    )


def kept_sequences(
    folder: Path, key: str, data: Data, make: Callable[[Tally], Iterable[Chunk]]
) -> Sequences:
    """Return the sequences kept under `key`, or make and keep them; they stay on disk.

    Raises `BadDataError` if none were made.
    """
    return _kept(
        folder / f"sequences-{key}",
        lambda beside: _write(beside, make, data),
        _read,
    )


def prune(folder: Path, *, most_bytes: float | None = None) -> None:
    """Remove what was not used for longest, until what is kept is within the limit.

    The newest entry stays whatever its size. Who has an entry open goes on reading it.
    """
    if most_bytes is None:
        most_bytes = min(MOST_BYTES, MOST_OF_DISK * shutil.disk_usage(folder).total)
    entries = [*folder.glob("sequences-*"), *folder.glob("tokenizer-*")]
    used = {path: _used_at(path) for path in entries}
    total = 0
    for number, path in enumerate(sorted(used, key=lambda path: used[path], reverse=True)):
        total += sum(_size(file) for file in path.iterdir())
        if number and total > most_bytes:
            shutil.rmtree(path, ignore_errors=True)
    _sweep(folder)


def _kept(path: Path, write: Callable[[Path], object], read: Callable[[Path], Kept]) -> Kept:
    """Return what is kept at `path`; made first by one process, while others wait for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.with_name(f".{path.name}.lock")):
        if not path.is_dir():
            _publish(path, write)
        found = read(path)
        os.utime(path)  # the time of its last use
    prune(path.parent)
    return found


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process works on this entry. The file is left: it is empty."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _publish(path: Path, write: Callable[[Path], object]) -> None:
    """Write a folder beside its place, then move it there."""
    beside = path.with_name(f".{path.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        write(beside)
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(folder: Path, make: Callable[[Tally], Iterable[Chunk]], data: Data) -> None:
    tally, end = Tally(), 0
    with contextlib.ExitStack() as stack:
        files = {
            name: stack.enter_context(GrowingArray(folder / f"{name}.npy", kind))
            for name, kind in ARRAYS.items()
        }
        files["starts"].add(np.zeros(1, dtype=np.int64))
        for chunk in make(tally):
            ends = end + np.cumsum(chunk.lengths)
            end = int(ends[-1])
            files["starts"].add(ends)
            for name in ("tokens", "learned", "rows", "targets"):
                files[name].add(getattr(chunk, name))
    if not end:
        raise tally.nothing_left(data)
    (folder / COUNTS).write_text(json.dumps(asdict(tally)), "utf-8")


def _read(folder: Path) -> Sequences:
    arrays: dict[str, Any] = {name: read_array(folder / f"{name}.npy") for name in ARRAYS}
    return Sequences(**arrays, **json.loads((folder / COUNTS).read_text("utf-8")))


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind."""
    for path in (*folder.glob(".*.partial"), *folder.glob(".*.lock")):
        if time.time() - _used_at(path) < ABANDONED_S:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _used_at(path: Path) -> float:
    """Return when it was last used; one that is being removed counts as long ago."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
