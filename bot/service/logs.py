"""A run's log: the job's; before there is a job, what the pipeline's steps said."""

from collections.abc import AsyncIterator, Sequence

from bot.ports import LogHits, LogLines, Pipelines, Tracking


class Logs:
    """Reads the job's log, or the pipeline's while the job has written nothing.

    A run that fails in validation never has a job, and its pipeline says why.
    """

    def __init__(self, tracking: Tracking, pipelines: Pipelines) -> None:
        self._tracking, self._pipelines = tracking, pipelines

    async def lines(self, run_id: str, first: int, count: int) -> LogLines:
        """Return at most `count` lines from `first`; a negative `first` counts from the end."""
        found = await self._tracking.log(run_id, first, count)
        if found.total:
            return found
        lines = await self._pipelines.log(run_id)
        start = max(1, len(lines) + 1 + first if first < 0 else first)
        return LogLines(tuple(lines[start - 1 : start - 1 + count]), start, len(lines))

    async def search(self, run_id: str, text: str, limit: int) -> LogHits:
        """Return the lines that hold `text`, ignoring case."""
        lines = await self._pipeline_lines(run_id)
        if lines is None:
            return await self._tracking.search_log(run_id, text, limit)
        hits = [at for at, line in enumerate(lines, 1) if text.lower() in line.lower()]
        return LogHits(tuple(hits[:limit]), len(hits))

    async def read(self, run_id: str) -> AsyncIterator[bytes]:
        """Yield the whole log in pieces."""
        lines = await self._pipeline_lines(run_id)
        if lines is not None:
            for line in lines:
                yield f"{line}\n".encode()
            return
        async for piece in self._tracking.read_log(run_id):
            yield piece

    async def _pipeline_lines(self, run_id: str) -> Sequence[str] | None:
        """Return the pipeline's lines where they stand in for the job's; None where not."""
        if (await self._tracking.log(run_id, 1, 1)).total:
            return None
        return await self._pipelines.log(run_id)
