"""The files that a local job wrote, for people to fetch."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bot.errors import NotFoundError
from bot.ports import ResultFile

PIECE_BYTES = 1 << 20
# Checkpoints are for the trainer itself, caches for nobody.
HIDDEN = frozenset({"checkpoints", "cache"})


def listed(folder: Path) -> Sequence[ResultFile]:
    """Return the files below a job's output folder, sorted by path; links are left out."""
    return sorted(_found(folder), key=lambda file: file.path)


def _found(folder: Path) -> Iterator[ResultFile]:
    """Yield the files; what a job removes meanwhile is left out."""
    for top, _, names in os.walk(folder):
        for path in (Path(top, name) for name in names):
            within = path.relative_to(folder)
            if _is_hidden(within):
                continue
            with suppress(FileNotFoundError):
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    yield ResultFile(within.as_posix(), state.st_size)


async def pieces(folder: Path, path: str) -> AsyncIterator[bytes]:
    """Yield one of the listed files. Raises `NotFoundError` for any other path."""
    known = {file.path for file in await asyncio.to_thread(listed, folder)}
    if path not in known:
        raise NotFoundError(f"There is no result `{path}`; the run's page lists them.")
    with (folder / path).open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece


def _is_hidden(path: Path) -> bool:
    return any(part in HIDDEN or part.startswith(".") for part in path.parts)
