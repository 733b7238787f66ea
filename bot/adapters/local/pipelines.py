"""The local Pipelines adapter: the real YAML, interpreted by a detached process for each run."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from typing_extensions import override

from bot.adapters.local.files import create_json, disk_faults, locked, read_json, write_json
from bot.adapters.local.folders import run_folder
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import plan
from bot.adapters.local.pipeline_state import is_over, is_unsettled, log_lines, seen, settled
from bot.adapters.local.supervisor import read_supervisor, spawn
from bot.domain.run import PipelineSeen
from bot.errors import InputError
from bot.ports import PipelineKind, PipelineRequest, Pipelines

log = logging.getLogger(__name__)

GRACE_S = 10.0  # from SIGTERM to SIGKILL; no step of ours holds anything that takes longer to save
TRAIN = "azure-pipelines/train.yml"
_MODULE = "bot.adapters.local.pipeline_supervisor"


@dataclass(frozen=True)
class Source:
    """Which file of which repository is run; checked out from there for each job."""

    repository: Path
    pipeline: str = TRAIN

    @classmethod
    def of(cls, file: Path) -> "Source":
        """Return where `file` belongs: the git checkout around it, else its folder's parent."""
        path = file.resolve()
        around = (folder for folder in path.parents if (folder / ".git").exists())
        repository = next(around, path.parent.parent)
        return cls(repository, path.relative_to(repository).as_posix())

    def file(self, kind: PipelineKind) -> str:
        """Return the file for `kind`: the training pipeline's own, or the one beside it."""
        if kind is PipelineKind.TRAIN:
            return self.pipeline
        return (PurePosixPath(self.pipeline).parent / f"{kind}.yml").as_posix()


class LocalPipelines(Pipelines):
    """Pipeline runs below `home`, one folder each."""

    def __init__(
        self,
        home: Path,
        source: Source,
        *,
        grace_s: float = GRACE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._home, self._source, self._grace_s, self._now = home.resolve(), source, grace_s, now

    @override
    async def start(self, request: PipelineRequest) -> None:
        await asyncio.to_thread(self._start, request)

    @override
    async def observe(self, names: Collection[str]) -> Mapping[str, PipelineSeen]:
        return await asyncio.to_thread(self._observe, names)

    @override
    async def cancel(self, name: str) -> None:
        await asyncio.to_thread(self._cancel, name)

    @override
    async def log(self, name: str) -> Sequence[str]:
        return await asyncio.to_thread(log_lines, self._folder(name))

    def _start(self, request: PipelineRequest) -> None:
        folder = self._folder(request.name)
        if folder.name != request.name:
            raise InputError(f"`{request.name}` is not a run id.")
        if read_supervisor(folder) is not None:
            return
        document = self._document(request)
        # Refused here rather than in the run: a file that cannot be used starts nothing.
        plan(load(self._source.repository, document["pipeline"], document["parameters"], {}))
        with disk_faults(f"Starting the pipeline run {request.name}"):
            folder.mkdir(parents=True, exist_ok=True)
            create_json(folder / "request.json", document)
            spawn(_MODULE, folder)
        log.info("pipeline run %s was started", request.name)

    def _document(self, request: PipelineRequest) -> dict[str, Any]:
        return {
            "run_id": request.name,
            "requested_by": request.requested_by,
            "parameters": {**request.parameters, "target": "local"},
            "repository": str(self._source.repository.resolve()),
            "pipeline": self._source.file(request.kind),
            "home": str(self._home),
            "grace_s": self._grace_s,
            "created_at": self._now(),
        }

    def _observe(self, names: Collection[str]) -> Mapping[str, PipelineSeen]:
        found = {name: self._look(self._folder(name)) for name in names}
        return {name: each for name, each in found.items() if each is not None}

    def _look(self, folder: Path) -> PipelineSeen | None:
        found = seen(folder)
        if is_unsettled(folder):
            self._settle(folder)
            found = seen(folder)
        return found

    def _settle(self, folder: Path) -> None:
        """End what a killed supervisor left running: a step must not submit a job any more."""
        with disk_faults(f"Settling the pipeline run {folder.name}"), ExitStack() as stack:
            if not stack.enter_context(locked(folder / "lock")) or not is_unsettled(folder):
                return
            supervisor = read_supervisor(folder)
            if supervisor is not None:
                log.warning("the supervisor of pipeline run %s died", folder.name)
                supervisor.end_orphans(self._grace_s)
                write_json(folder / "exit.json", settled(folder, supervisor.attempt, self._now()))

    def _cancel(self, name: str) -> None:
        folder = self._folder(name)
        if read_json(folder / "request.json") is None or is_over(folder):
            return
        with disk_faults(f"Cancelling the pipeline run {name}"):
            create_json(folder / "cancel.json", {"at": self._now()})
        supervisor = read_supervisor(folder)
        if supervisor is not None:
            supervisor.who.terminate()

    def _folder(self, name: str) -> Path:
        return run_folder(self._home, "pipelines", name)
