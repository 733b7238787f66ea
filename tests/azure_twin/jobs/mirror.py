"""Keep a folder of a node and its blobs the same: growing logs, and mounted outputs."""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.azure_twin.blob.store import BlobStore, Place


@dataclass
class GrowingFiles:
    """Follows files that only grow, and appends what is new to append blobs.

    A file that was cut or replaced is written anew.
    """

    store: BlobStore
    place: Place
    sent: dict[str, int] = field(default_factory=dict)

    async def send(self, name: str, path: Path) -> None:
        size = size_of(path)
        begin = self.sent.get(name, 0)
        if size < begin:
            await self.store.delete(self.place.below(name))
            begin = 0
        if size == begin and name in self.sent:
            return
        data = part_of(path, begin, size)
        await self.store.append(self.place.below(name), data)
        self.sent[name] = begin + len(data)

    async def send_folder(self, prefix: str, folder: Path) -> None:
        for path in files_below(folder):
            name = f"{prefix}/{path.relative_to(folder).as_posix()}"
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                await self.send(name, path)

    async def restore(self, prefix: str, folder: Path) -> None:
        """Bring back what an earlier attempt wrote; it will be appended to."""
        await self.store.download(self.place.below(prefix), folder)
        for path in files_below(folder):
            name = f"{prefix}/{path.relative_to(folder).as_posix()}"
            self.sent[name] = path.stat().st_size


@dataclass
class MountedFolder:
    """A folder that stands for a mounted place: what changes in it goes to the blobs.

    One folder per place serves every job that mounts it, so that a resubmitted job finds what
    the first one wrote.
    """

    store: BlobStore
    place: Place
    folder: Path
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def open(self) -> None:
        """Bring what the place holds into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.store.download(self.place, self.folder)
        self.seen = self._now()

    async def sync(self) -> None:
        """Upload what is new or changed, and delete what is gone."""
        now = self._now()
        for name, facts in now.items():
            if self.seen.get(name) != facts:
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    await self.store.upload(self.place.below(name), self.folder / name)
                    self.seen[name] = facts
        for name in self.seen.keys() - now.keys():
            await self.store.delete(self.place.below(name))
            self.seen.pop(name, None)

    def _now(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in files_below(self.folder):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                name = path.relative_to(self.folder).as_posix()
                found[name] = (facts.st_mtime_ns, facts.st_size)
        return found


def size_of(path: Path) -> int:
    return path.stat().st_size


def part_of(path: Path, begin: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(end - begin)


def files_below(folder: Path) -> list[Path]:
    """Return the files of a folder; what vanishes meanwhile is left out, as `os.walk` does."""
    found = [Path(top, name) for top, _, names in os.walk(folder) for name in names]
    return sorted(path for path in found if path.is_file())
