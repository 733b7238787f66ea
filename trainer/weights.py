"""A model's folder as one thing: its hash, and a copy of it that nobody changes."""

import hashlib
import os
import shutil
from pathlib import Path

_PIECE_BYTES = 1 << 20


def model_hash(folder: Path) -> str:
    """Return the sha256 over the names and contents of the folder's files."""
    digest = hashlib.sha256()
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix().encode()
        digest.update(b"%d:%s%d:" % (len(name), name, path.stat().st_size))
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
    return digest.hexdigest()


def files_of(folder: Path) -> list[Path]:
    """Return the model's files, sorted; hidden ones are leftovers of writing."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


def keep_model(folder: Path, target: Path) -> None:
    """Put the model's files at `target`, whole or not at all; one that is there stays.

    They are linked where the disk allows it: weights are never changed in place.
    """
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for path in files_of(folder):
            copy = beside / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            _link(path, copy)
        beside.rename(target)
    except OSError:
        if not target.is_dir():  # another promotion of the same run was faster
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _link(path: Path, copy: Path) -> None:
    try:
        os.link(path, copy)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(path, copy)
