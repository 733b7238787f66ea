"""Progress and logs that a test writes straight into dictionaries."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from typing_extensions import override

from bot.domain.buckets import Curve, bucketed, grid
from bot.domain.run import ProgressSeen
from bot.ports import LogHits, LogLines, Mark, Marks, Metrics, MetricsQuery, Series, Tracking

Points = Sequence[tuple[int, float]]  # (step, value)


class MemoryTracking(Tracking):
    """`seen`, `lines`, `points` (run -> key -> points) and `flags` (marks) are there to be set."""

    def __init__(self) -> None:
        self.seen: dict[str, ProgressSeen] = {}
        self.lines: dict[str, list[str]] = {}
        self.points: dict[str, dict[str, Points]] = {}
        self.flags: dict[str, list[Mark]] = {}

    @override
    async def observe(self, run_ids: Collection[str]) -> Mapping[str, ProgressSeen]:
        return {run_id: self.seen[run_id] for run_id in run_ids if run_id in self.seen}

    @override
    async def marks(self, run_ids: Collection[str]) -> Mapping[str, Marks]:
        known = {*self.seen, *self.lines, *self.points}
        return {run_id: self._marks(run_id) for run_id in run_ids if run_id in known}

    @override
    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        curves = {
            key: Curve(*zip(*sorted(dict(points).items()), strict=True))
            for key, points in self.points.get(run_id, {}).items()
            if points
        }
        if not curves:
            return Metrics((), (), (), 0, 0, 0)
        low = min(curve.steps[0] for curve in curves.values())
        high = max(curve.steps[-1] for curve in curves.values())
        first = low if query.first_step is None else max(low, query.first_step)
        last = high if query.last_step is None else min(high, query.last_step)
        onto = grid(first, last, query.buckets)
        series = []
        for key in (key for key in curves if not query.keys or key in query.keys):
            parts = bucketed(curves[key], onto, query.smooth)
            count = curves[key].count(first, last)
            series.append(Series(key, "", count, parts.low, parts.high, parts.last, parts.smooth))
        flags = tuple(mark for mark in self.flags.get(run_id, ()) if first <= mark.step <= last)
        count = sum(one.points for one in series)
        return Metrics(onto.ends, tuple(series), flags, count, first, last)

    @override
    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        lines = self.lines.get(run_id, [])
        start = max(1, len(lines) + 1 + first if first < 0 else first)
        return LogLines(tuple(lines[start - 1 : start - 1 + count]), start, len(lines))

    @override
    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        lines = self.lines.get(run_id, [])
        hits = [at for at, line in enumerate(lines, 1) if text.lower() in line.lower()]
        return LogHits(tuple(hits[:limit]), len(hits))

    @override
    async def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        for line in self.lines.get(run_id, []):
            yield f"{line}\n".encode()

    def _marks(self, run_id: str) -> Marks:
        points = sum(len(curve) for curve in self.points.get(run_id, {}).values())
        letters = sum(len(line) + 1 for line in self.lines.get(run_id, []))
        return Marks(points + len(repr(self.seen.get(run_id, ""))), letters)
