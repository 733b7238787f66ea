"""What a run's trainer wrote."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Protocol

from bot.domain.output import LogHits, LogLines, Marks, Metrics, MetricsQuery
from bot.domain.run import ProgressSeen


class Tracking(Protocol):
    """Reads what a run's trainer writes: progress, metrics, logs. Never writes."""

    async def observe(self, run_ids: Collection[str]) -> Mapping[str, ProgressSeen]:
        """Return each run's progress; one that has written nothing is absent."""

    async def marks(self, run_ids: Collection[str]) -> Mapping[str, Marks]:
        """Return how far each run's files have grown; absent where there are none."""

    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        """Return bucketed curves, every extreme kept; empty for a run without progress.

        Steps that a resumed attempt wrote again count once: the later line wins.
        """

    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        """Return at most `count` lines from `first`; a negative `first` counts from the end."""

    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        """Return the lines that hold `text`, ignoring case."""

    def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        """Yield the whole log in pieces, redacted, for a download."""
