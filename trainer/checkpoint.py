"""Whole checkpoints or none: written beside, hashed, and valid only once the manifest is there.

The manifest comes last because a rename alone has failed on mounted blob storage: a folder
without one is an unfinished checkpoint, whatever files it holds.
"""

import os
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.contract.data_files import file_hash
from trainer.early_stop import Standing
from trainer.guarding import GuardState

MANIFEST = "manifest.json"
PARTIAL = ".partial"


class Totals(BaseModel):
    """What has been counted since step 0, over all attempts."""

    model_config = ConfigDict(extra="forbid")

    tokens: int = 0
    train_s: float = 0.0
    loss: float = 0.0
    first_eval_loss: float | None = None
    guard: GuardState = GuardState()
    standing: Standing = Standing()
    first_metrics: dict[str, float] = {}
    sources: dict[str, int] = {}  # tokens read of each source of a mixture, by its input's name


class Manifest(BaseModel):
    """What a checkpoint is of, and the hash of each of its files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int
    spec_sha256: str
    data_sha256: str
    world_size: int
    sharded: bool = False  # written in parts, of a model that the processes share
    compiled: bool = False  # the last steps were made by compiled code, which rounds otherwise
    torch: str
    totals: Totals
    files: dict[str, str]


def changes(was: Manifest, now: Manifest) -> list[str]:
    """Return in words what makes two checkpoints of one step those of different computations."""
    return [
        name
        for name, before, after in (
            ("the spec", was.spec_sha256, now.spec_sha256),
            ("the data", was.data_sha256, now.data_sha256),
            ("the number of processes", was.world_size, now.world_size),
            ("how the processes hold the model", was.sharded, now.sharded),
            ("whether it is compiled", was.compiled, now.compiled),
            ("the version of torch", was.torch, now.torch),
        )
        if before != after
    ]


def commit(partial: Path, final: Path, manifest: Manifest) -> None:
    """Make the files in `partial` the checkpoint `final`; `manifest.files` is filled in here."""
    files = {path.name: file_hash(path) for path in sorted(partial.iterdir()) if path.is_file()}
    for name in files:
        _sync(partial / name)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    whole = manifest.model_copy(update={"files": files})
    write_whole(final / MANIFEST, whole.model_dump_json(indent=1))
    _sync(final.parent)


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old text or the new, never a half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def newest(folder: Path) -> tuple[Path, Manifest] | None:
    """Return the newest checkpoint whose every file has the hash in its manifest."""
    found = []
    for path in folder.glob("step-*"):
        manifest = read_manifest(path)
        if manifest is not None:
            found.append((manifest.step, path, manifest))
    for _, path, manifest in sorted(found, key=lambda entry: entry[0], reverse=True):
        if _is_whole(path, manifest):
            return path, manifest
    return None


def read_manifest(path: Path) -> Manifest | None:
    """Return the checkpoint's manifest, or None if it has no readable one."""
    try:
        return Manifest.model_validate_json((path / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def whole(folder: Path, step: int | None) -> Path | None:
    """Return the checkpoint of `step` if every file of it has the hash in its manifest."""
    if step is None:
        return None
    path = step_folder(folder, step)
    manifest = read_manifest(path)
    return path if manifest is not None and _is_whole(path, manifest) else None


def prune(folder: Path, *, keep: int, best: int | None = None) -> None:
    """Remove all but the newest `keep` finished checkpoints, and every unfinished one.

    That of the step `best` stays as well.
    """
    finished = sorted(folder.glob(f"step-*/{MANIFEST}"))
    kept = {path.parent for path in finished[-keep:]}
    if best is not None:
        kept.add(step_folder(folder, best))
    for path in folder.glob("step-*"):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(folder / PARTIAL, ignore_errors=True)


def step_folder(folder: Path, step: int) -> Path:
    """Return where the checkpoint of `step` goes; the names sort by step."""
    return folder / f"step-{step:08d}"


def _is_whole(path: Path, manifest: Manifest) -> bool:
    """Return whether the folder has the manifest's files as they were written, and no other.

    A library loads whatever lies there under a name that it knows. Names are plain ones: files
    are copied by them.
    """
    if path.name != step_folder(path.parent, manifest.step).name:
        return False
    names = {entry.name for entry in path.iterdir()} - {MANIFEST}
    return names == manifest.files.keys() and all(
        (path / name).is_file() and file_hash(path / name) == digest
        for name, digest in manifest.files.items()
    )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
