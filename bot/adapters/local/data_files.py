"""Find data files that people name, only below the folders that the policy allows."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.errors import FieldFault, InputError
from bot.service import BaseFolder, DataFile
from trainer.contract.data import DataSource
from trainer.contract.data_files import (
    Found,
    LayoutError,
    file_hash,
    find_files,
    source_hash,
)
from trainer.contract.shape import read_shape
from trainer.contract.spec import ModelConfig


class LocalDataFiles:
    """Looks for files below `roots`; links are resolved before they are judged."""

    def __init__(self, roots: Sequence[str], base: Path) -> None:
        self._base = base
        self._roots = tuple((base / root).resolve() for root in roots)

    async def find(self, uri: str) -> DataFile | None:
        """Return the file or folder, its size and sha256; None for a built-in source.

        Raises `InputError` for one that is missing, empty, outside the roots or no data.
        """
        if uri.startswith("builtin:"):
            return None
        return await asyncio.to_thread(self._find, uri.removeprefix("file:"))

    async def find_folder(self, name: str) -> BaseFolder:
        """Return a base model's or tokenizer's folder, with the shape that its config.json gives.

        Raises `InputError` for one that is missing, no folder or outside the roots.
        """
        return await asyncio.to_thread(self._find_folder, name)

    def _find_folder(self, name: str) -> BaseFolder:
        path = self._allowed(name)
        if not path.is_dir():
            raise _refused(name, "is no folder")
        return BaseFolder(str(path), _shape(path))

    def _allowed(self, name: str) -> Path:
        path = self._located(name)
        if not any(path.is_relative_to(root) for root in self._roots):
            raise _refused(name, f"is outside the folders that may be read ({self._words()})")
        if not path.exists():
            raise _refused(name, f"is not there; data is read below {self._words()}")
        return path

    def _find(self, name: str) -> DataFile:
        path = self._allowed(name)
        try:
            size = sum(one.stat().st_size for one in self._read(path, name))
            if size == 0:
                raise _refused(name, "is empty; it must hold at least one row")
            digest = file_hash(path) if path.is_file() else source_hash(_found(path, name))
        except OSError as error:
            raise _refused(name, f"cannot be read: {error.strerror}") from error
        return DataFile(str(path), size, digest)

    def _read(self, path: Path, name: str) -> Iterator[Path]:
        """Yield the files that a run would read; a link in a folder leads nowhere else."""
        if path.is_file():
            yield path
            return
        found = _found(path, name)
        for file in found.files:
            inside = sorted(file.path.glob("*.arrow")) if found.format == "arrow" else [file.path]
            for one in inside:
                if not any(one.resolve().is_relative_to(root) for root in self._roots):
                    raise _refused(name, f"has a link in it ({one.name}) that leads elsewhere")
                yield one

    def _located(self, name: str) -> Path:
        """Return the real path: as written, else below the first root that has it."""
        try:
            places = [self._base / name, *(root / name for root in self._roots)]
            found = next((place for place in places if place.exists()), places[0])
            return found.resolve()
        except (OSError, ValueError) as error:  # too long, a NUL byte, a loop of links
            raise _refused(name[:80], "is no usable path") from error

    def _words(self) -> str:
        return ", ".join(f"`{root}`" for root in self._roots) or "no folder: the policy names none"


def _found(path: Path, name: str) -> Found:
    try:
        return find_files(path, DataSource(uri=name))
    except LayoutError as error:
        raise _refused(name, f"holds no data to read: {error} {error.remedy}") from error


def _shape(folder: Path) -> ModelConfig | None:
    """Return the shape of the model in a folder; None where it says none that we know."""
    try:
        return read_shape(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refused(name: str, why: str) -> InputError:
    return InputError(f"The file `{name}` {why}.", (FieldFault("data", f"`{name}` {why}"),))
