"""What Azure DevOps' list of builds says about our runs: whose they are and which one counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.domain.run import PipelineState

RUN_KEY = "runKey"  # the parameter of our files that holds the name

_NOT_BEGUN = frozenset({"notStarted", "postponed", "none"})
_RESULTS = {
    "succeeded": PipelineState.SUCCEEDED,
    "partiallySucceeded": PipelineState.SUCCEEDED,
    "failed": PipelineState.FAILED,
    "canceled": PipelineState.CANCELLED,
}


@dataclass(frozen=True)
class Build:
    """One run of a pipeline. `names`: what it may be called: its number, its tags, its `runKey`."""

    id: int
    names: frozenset[str]
    status: str
    result: str | None
    queued_at: datetime
    ended_at: datetime | None
    is_deleted: bool = False
    complaints: tuple[str, ...] = ()  # why it could not even begin

    @property
    def is_over(self) -> bool:
        """Return whether nothing can follow."""
        return self.status == "completed" or self.is_deleted

    @property
    def has_begun(self) -> bool:
        """Return whether any of its steps may have run."""
        return self.status not in _NOT_BEGUN

    @property
    def state(self) -> PipelineState:
        """Return what it is doing; its stages may say more."""
        if self.is_deleted and self.status != "completed":
            return PipelineState.LOST
        if self.status == "completed":
            return _RESULTS.get(self.result or "", PipelineState.LOST)
        return PipelineState.RUNNING if self.has_begun else PipelineState.QUEUED


def build_of(said: Any) -> Build:
    """Return the build for the SDK's model of it."""
    parameters: Mapping[str, str] = said.template_parameters or {}
    names = {said.build_number, parameters.get(RUN_KEY), *(said.tags or ())}
    return Build(
        id=said.id,
        names=frozenset(name for name in names if name),
        status=str(said.status or "none"),
        result=said.result,
        queued_at=said.queue_time or datetime.fromtimestamp(0, UTC),
        ended_at=said.finish_time,
        is_deleted=bool(said.deleted),
        complaints=tuple(
            each.message for each in said.validation_results or () if each.result == "error"
        ),
    )


def named(builds: Iterable[Build], name: str) -> list[Build]:
    """Return the builds of one name, oldest first."""
    return sorted((build for build in builds if name in build.names), key=lambda build: build.id)


def chosen(builds: Sequence[Build]) -> Build | None:
    """Return the build that counts as the run: the oldest that is not cancelled, else the oldest.

    A second one of the same name can only come from a start whose answer was lost. `builds`:
    oldest first.
    """
    alive = (build for build in builds if build.state is not PipelineState.CANCELLED)
    return next(alive, builds[0] if builds else None)


def surplus(builds: Sequence[Build]) -> list[Build]:
    """Return what shall be cancelled: builds beside the chosen one that have not begun.

    One that has begun is left alone: its steps have no second effect, and cancelling it in the
    middle could take the first one's away.
    """
    kept = chosen(builds)
    return [b for b in builds if b is not kept and not b.is_over and not b.has_begun]
