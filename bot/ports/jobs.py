"""Watching jobs, and the machines they run on."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.run import JobSeen
from bot.domain.seen import ClusterSeen


@dataclass(frozen=True)
class ResultFile:
    """A file that a job wrote: its path within the results, and its size."""

    path: str
    bytes: int


class Jobs(Protocol):
    """Watches the jobs that the pipeline submitted, each by its name (`Run.name`)."""

    async def observe(self, names: Collection[str]) -> Mapping[str, JobSeen]:
        """Return what is known of each; `JobState.ABSENT` for one that was never submitted."""

    async def cancel(self, name: str) -> None:
        """Ask the job to end, waiting or running. May be repeated; ended ones are left alone."""

    async def advance(self) -> None:
        """Let waiting jobs begin where there is room. A backend with its own queue does nothing."""

    async def clusters(self) -> Sequence[ClusterSeen]:
        """Return the machines that jobs can have, in the order in which they are shown."""

    async def results(self, name: str) -> Sequence[ResultFile]:
        """Return the files of the job's results, sorted by path; empty before there are any."""

    def read_result(self, name: str, path: str) -> AsyncIterator[bytes]:
        """Yield a file of the results in pieces. Raises `NotFoundError` for any other path."""
