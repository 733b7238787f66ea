"""Small files that several processes share: written whole or not at all, and locked."""

import errno
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.errors import DiskFullError, UnavailableError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
LOCK_WAIT_S = 1.0
LAST_WORD_BYTES = 4096  # one block: what a supervisor may still have to say on a full disk
_FAULT_CHARACTERS = 500  # at most 3,000 bytes as JSON


def is_full(error: OSError) -> bool:
    """Return whether nothing can be written any more (disk, quota or file size)."""
    return error.errno in _FULL


@contextmanager
def disk_faults(doing: str) -> Iterator[None]:
    """Turn an OSError into a BotError that says what could not be done."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFullError(
                f"{doing} was not possible: the disk is full. Free some space and try again."
            ) from error
        raise UnavailableError(f"{doing} was not possible: {error.strerror}.") from error


def write_json(path: Path, document: object) -> None:
    """Replace `path`; a reader sees the old or the new text. Raises OSError."""
    temporary = _written(path, json.dumps(document, ensure_ascii=False))
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def create_json(path: Path, document: object) -> bool:
    """Create `path` whole; return False, changing nothing, if it exists. Raises OSError."""
    temporary = _written(path, json.dumps(document, ensure_ascii=False))
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in `path`; None when there is no such file, or not (yet) an object."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return document if isinstance(document, dict) else None


class LastWord:
    """Space for one small file, taken in advance, so that a full disk cannot silence the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._room = path.with_name(f".{path.name}.room")
        with self._room.open("wb") as file:
            file.write(b" " * LAST_WORD_BYTES)
            file.flush()
            os.fsync(file.fileno())

    def say(self, document: dict[str, Any]) -> None:
        """Write the file into the space; JSON does not mind the blanks that are left."""
        text = json.dumps(document, ensure_ascii=False).encode()
        if len(text) > LAST_WORD_BYTES:
            short = {**document, "fault": f"{str(document.get('fault'))[:_FAULT_CHARACTERS]} ..."}
            text = json.dumps(short, ensure_ascii=False).encode()
        with self._room.open("r+b") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._room.replace(self._path)


@contextmanager
def locked(path: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[bool]:
    """Hold an exclusive lock on `path` while the body runs; yields False when another holds it.

    The kernel frees it when the holder dies, however it dies, but only with its last thread: so a
    lock that is held is asked for again for a moment.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor, wait_s)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _written(path: Path, text: str) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
