"""The files that a run leaves, for people to fetch."""

from collections.abc import AsyncIterator, Sequence

from bot.domain.run import Run
from bot.errors import NotFoundError
from bot.ports import Jobs, ResultFile
from trainer.contract.names import job_name


class Results:
    """Lists a run's files and reads one of them."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def listed(self, run: Run) -> Sequence[ResultFile]:
        """Return the files, sorted by path, of the newest submission that has any."""
        _, files = await self._newest(run)
        return files

    async def read(self, run: Run, path: str) -> AsyncIterator[bytes]:
        """Yield one of the listed files. Raises `NotFoundError` for any other path."""
        name, files = await self._newest(run)
        if path not in {file.path for file in files}:
            raise NotFoundError(f"The run `{run.id}` has no file `{path}`; its page lists them.")
        async for piece in self._jobs.read_result(name, path):
            yield piece

    async def _newest(self, run: Run) -> tuple[str, Sequence[ResultFile]]:
        for submission in range(run.submission, 0, -1):
            name = job_name(run.id, submission)
            files = await self._jobs.results(name)
            if files:
                return name, files
        return run.name, ()
