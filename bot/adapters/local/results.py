"""The files that a local job wrote, for people to fetch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bot.errors import NotFoundError
from bot.ports import ResultFile

PIECE_BYTES = 1 << 20
# Checkpoints are for the trainer itself, caches for nobody.
HIDDEN = frozenset({"checkpoints", "cache"})


def listed(folder: Path) -> Sequence[ResultFile]:
    """Return the files below a job's output folder, sorted by path; links are left out."""
    found = [
        ResultFile(path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and not _is_hidden(path.relative_to(folder))
    ]
    return sorted(found, key=lambda file: file.path)


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
