"""What a job's processes find on a node: code, inputs and outputs as folders."""

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.azure_twin.arm.assets import Assets
from tests.azure_twin.arm.places import place_of
from tests.azure_twin.blob.store import BlobStore, Place
from tests.azure_twin.jobs.mirror import MountedFolder, files_below
from tests.azure_twin.jobs.record import Job

MOUNTED = {"ReadWriteMount", "rw_mount", None}


@dataclass
class Stage:
    """One attempt's folders: `works` is the working directory of each node."""

    root: Path
    works: list[Path] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    mounts: list[MountedFolder] = field(default_factory=list)
    uploads: dict[Place, Path] = field(default_factory=dict)

    async def sync(self) -> None:
        for mount in self.mounts:
            await mount.sync()

    async def finish(self, store: BlobStore) -> None:
        """Send what is only sent at the end."""
        await self.sync()
        for place, folder in self.uploads.items():
            for path in files_below(folder):
                await store.upload(place.below(path.relative_to(folder).as_posix()), path)

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass
class Staging:
    """Makes stages; `mounts` holds the folders that outlive an attempt, one per place."""

    store: BlobStore
    assets: Assets
    folder: Path
    _mounts: dict[Place, MountedFolder] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def prepare(self, job: Job) -> Stage:
        """Return the folders for an attempt, filled."""
        root = self.folder / "nodes" / f"{job.name}-{job.attempt}"
        shutil.rmtree(root, ignore_errors=True)
        stage = Stage(root)
        for node in range(job.nodes):
            work = root / f"node-{node}" / "wd"
            work.mkdir(parents=True)
            stage.works.append(work)
        await self._code(job, stage)
        for name, given in (job.asked.get("inputs") or {}).items():
            value = await self._input(given, root / "inputs" / name)
            if value is not None:
                stage.inputs[name] = value
        for name in job.outputs:
            await self._output(job, name, stage)
        return stage

    async def _code(self, job: Job, stage: Stage) -> None:
        code_id = job.asked.get("codeId")
        if not code_id:
            return
        place = place_of(self.assets.by_id(code_id)["properties"]["codeUri"])
        for work in stage.works:
            await self.store.download(place, work)

    async def _input(self, given: dict[str, Any], folder: Path) -> str | None:
        kind = given.get("jobInputType")
        if kind == "literal":
            return None if given.get("value") is None else str(given["value"])
        uri = given.get("uri")
        if not uri:
            return None
        if "/versions/" in uri:
            held = self.assets.by_id(uri)["properties"]
            uri = held.get("dataUri") or held.get("modelUri")
        make_folder(folder)
        count = await self.store.download(place_of(uri), folder)
        if count == 0:
            raise FileNotFoundError(f"The input {uri!r} points to nothing.")
        found = files_below(folder)
        is_file = kind == "uri_file" or (kind == "custom_model" and not uri.endswith("/"))
        return str(found[0] if is_file and len(found) == 1 else folder)

    async def _output(self, job: Job, name: str, stage: Stage) -> None:
        place = job.output_place(name)
        mode = job.outputs[name].get("mode")
        if mode in MOUNTED:
            mount = await self._mounted(place)
            stage.mounts.append(mount)
            folder = mount.folder
        else:
            folder = stage.root / "outputs" / name
            folder.mkdir(parents=True)
            stage.uploads[place] = folder
        stage.outputs[name] = str(folder)

    async def _mounted(self, place: Place) -> MountedFolder:
        async with self._opening:
            mount = self._mounts.get(place)
            if mount is None:
                folder = self.folder / "mounts" / place.container / place.path
                mount = self._mounts[place] = MountedFolder(self.store, place, folder)
                await mount.open()
            return mount


def make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
