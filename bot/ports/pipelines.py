"""Starting and watching pipeline runs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.domain.run import PipelineSeen


class PipelineKind(StrEnum):
    """Which file under `azure-pipelines/` is run."""

    TRAIN = "train"
    PROMOTE = "promote"


@dataclass(frozen=True)
class PipelineRequest:
    """What a pipeline run is started with; nothing else decides what it does.

    `name` is the run's number and the key of its one effect: `Run.name`, or a promotion's id.
    `parameters` go to the file's `parameters` as they are, `runKey` (the name) among them.
    """

    name: str
    kind: PipelineKind
    parameters: Mapping[str, str]
    requested_by: str  # the person's directory object id, for the audit trail


class Pipelines(Protocol):
    """Starts and watches runs of the files under `azure-pipelines/`, each by its name."""

    async def start(self, request: PipelineRequest) -> None:
        """Start the pipeline run named `request.name`, once.

        May be repeated, also after a crash in the middle: the same name never has a second
        effect. Raises `UnavailableError` when it cannot be known whether it started (repeat
        later), `DiskFullError`, `InputError` for parameters that the file refuses, `SetupError`
        for a pipeline that cannot be used.
        """

    async def observe(self, names: Collection[str]) -> Mapping[str, PipelineSeen]:
        """Return what is known of each; a name that was never started is absent."""

    async def cancel(self, name: str) -> None:
        """Ask the pipeline run to end. May be repeated; unknown and ended ones are left alone."""

    async def log(self, name: str) -> Sequence[str]:
        """Return all log lines of its steps in order, secrets masked; empty when unknown."""
