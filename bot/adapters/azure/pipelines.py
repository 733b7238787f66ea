"""The azure profile's Pipelines adapter: runs of the real files in Azure Pipelines."""

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import yaml
from azure.devops.v7_1.pipelines.models import (
    RepositoryResourceParameters,
    RunPipelineParameters,
    RunResourcesParameters,
)
from typing_extensions import override

from bot.adapters.azure.builds import Build, chosen
from bot.adapters.azure.devops import DevOps, DevOpsSettings
from bot.adapters.azure.faults import UntakenError
from bot.adapters.azure.lookout import Lookout
from bot.adapters.azure.queries import Queries
from bot.adapters.azure.timeline import lines, log_ids
from bot.domain.run import PipelineSeen
from bot.errors import (
    AccessError,
    BotError,
    ConflictError,
    InputError,
    NotFoundError,
    SetupError,
    UnavailableError,
)
from bot.ports import Clock, PipelineKind, PipelineRequest, Pipelines

log = logging.getLogger(__name__)

# Of the rate limit's 200 units in five minutes a look at a few runs takes well under one.
EVERY_S = 5.0
# How long after a start without an answer only looking is allowed. Azure Pipelines queues a run
# within seconds; one that shows up later still is `builds.surplus`.
SETTLE = timedelta(seconds=90)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class PipelineSettings(DevOpsSettings, Protocol):
    """The settings that say which pipelines; `bot.settings.Settings` has them."""

    @property
    def train_pipeline_id(self) -> int: ...
    @property
    def promote_pipeline_id(self) -> int: ...
    @property
    def pipeline_branch(self) -> str: ...
    @property
    def pipeline_file(self) -> Path: ...
    @property
    def service_connection(self) -> str: ...
    @property
    def promote_connection(self) -> str: ...


@dataclass(frozen=True)
class Files:
    """Which pipeline runs which file, of which branch, and what it is told beyond the request."""

    ids: Mapping[PipelineKind, int]
    branch: str = "refs/heads/main"
    extra: Mapping[PipelineKind, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: PipelineSettings) -> "Files":
        """Return what the settings say; a file is told only what it declares."""
        ids = {
            PipelineKind.TRAIN: settings.train_pipeline_id,
            PipelineKind.PROMOTE: settings.promote_pipeline_id,
        }
        connections = {
            PipelineKind.TRAIN: settings.service_connection,
            PipelineKind.PROMOTE: settings.promote_connection,
        }
        extra = {
            kind: _declared(
                settings.pipeline_file.parent / f"{kind}.yml",
                {"target": "azureml", "serviceConnection": connection},
            )
            for kind, connection in connections.items()
        }
        return cls(ids, settings.pipeline_branch, extra)

    def id(self, kind: PipelineKind) -> int:
        """Return the pipeline's number; raises `SetupError` where none is set."""
        number = self.ids.get(kind, 0)
        if not number:
            raise SetupError(
                f"KRSP_{kind.upper()}_PIPELINE_ID is not set: no pipeline runs {kind}.yml."
            )
        return number


class AzurePipelines(Pipelines):
    """Starts runs by their name, once; `docs/decisions/0016-azure-pipelines.md` says how."""

    def __init__(
        self, devops: DevOps, files: Files, clock: Clock, *, every_s: float = EVERY_S
    ) -> None:
        self._devops, self._files, self._clock = devops, files, clock
        ids = [number for number in files.ids.values() if number]
        self._queries = Queries(devops, ids)
        self._lookout = Lookout(devops, self._queries, clock, every_s=every_s)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._doubts: dict[str, datetime] = {}  # names whose start had no answer, and until when

    @override
    async def start(self, request: PipelineRequest) -> None:
        name = request.name
        if not _NAME.fullmatch(name):
            raise InputError(f"`{name}` is not a run id.")
        async with self._locks[name]:
            if self._lookout.remembered(name) or await self._lookout.find(name):
                self._doubts.pop(name, None)
                return
            self._check_doubt(name)
            await self._queue(request)
        self._locks.pop(name, None)

    @override
    async def observe(self, names: Collection[str]) -> Mapping[str, PipelineSeen]:
        return await self._lookout.look(names)

    @override
    async def cancel(self, name: str) -> None:
        builds = self._lookout.remembered(name) or await self._lookout.find(name)
        going = [b for b in builds if not b.is_over and b.status != "cancelling"]
        ended = [await self._queries.end(build) for build in going]
        if ended:
            self._lookout.note(name, ended)
            log.info("pipeline run %s was asked to end", name)

    @override
    async def log(self, name: str) -> Sequence[str]:
        builds = self._lookout.remembered(name) or await self._lookout.find(name)
        build = chosen(builds)
        if build is None:
            return []
        found: list[str] = []
        for log_id in log_ids(await self._queries.records(build)):
            found += lines(await self._queries.log(build, log_id))
        return found

    async def _queue(self, request: PipelineRequest) -> None:
        devops, name, number = self._devops, request.name, self._files.id(request.kind)
        wish = self._wish(request)
        try:
            run = await devops.ask(
                f"start pipeline run {name}",
                lambda: devops.pipelines.run_pipeline(wish, devops.project, number),
            )
        except (AccessError, UntakenError):
            raise
        except (UnavailableError, ConflictError) as error:
            self._doubts[name] = self._clock.now() + SETTLE
            raise UnavailableError(f"{error} Whether it was started is looked up.") from error
        except NotFoundError as error:
            raise SetupError(
                f"Azure DevOps has no pipeline {number} in {devops.project}, or hides it from the "
                f"bot: check KRSP_{request.kind.upper()}_PIPELINE_ID and KRSP_DEVOPS_PROJECT."
            ) from error
        log.info("pipeline run %s is %s, asked for by %s", name, run.id, request.requested_by)
        at = self._clock.now()
        self._lookout.note(name, [Build(run.id, frozenset({name}), "notStarted", None, at, None)])
        if run.name != name:
            await self._tag(run.id, name)

    def _wish(self, request: PipelineRequest) -> Any:
        extra = self._files.extra.get(request.kind, {})
        source = RepositoryResourceParameters(ref_name=self._files.branch)
        return RunPipelineParameters(
            template_parameters={**extra, **request.parameters},
            resources=RunResourcesParameters(repositories={"self": source}),
        )

    def _check_doubt(self, name: str) -> None:
        """Raise while a run that was asked for without an answer may still show up."""
        until = self._doubts.get(name)
        if until is not None and self._clock.now() < until:
            raise UnavailableError(
                f"Azure DevOps did not say whether pipeline run {name} was started; the bot looks "
                f"for it until {until:%H:%M:%S} UTC before it asks again."
            )
        self._doubts.pop(name, None)

    async def _tag(self, number: int, name: str) -> None:
        """Make a run findable whose number is not its name: an organisation may number its own."""
        devops = self._devops
        try:
            await devops.ask(
                f"tag pipeline run {name}",
                lambda: devops.build.add_build_tag(devops.project, number, name),
            )
        except BotError as error:  # it runs, and its own first step tags it too
            log.warning("pipeline run %s has another number and no tag: %s", name, error)


def _declared(file: Path, known: Mapping[str, str]) -> Mapping[str, str]:
    """Return those of `known` that a pipeline file has parameters for; it refuses any other."""
    if not file.is_file():
        return {}
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    names = {each["name"] for each in document.get("parameters") or ()}
    return {name: value for name, value in known.items() if name in names and value}
