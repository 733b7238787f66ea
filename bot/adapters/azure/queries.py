"""What is asked of Azure DevOps about runs: one method for each question, none repeats itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from azure.devops.v7_1.build.models import Build as BuildModel

from bot.adapters.azure.builds import Build, build_of
from bot.adapters.azure.devops import Approval, DevOps
from bot.adapters.azure.timeline import Record
from bot.errors import ConflictError, InputError, NotFoundError

PAGE = 200


class Queries:
    """Questions about the runs of some pipelines; deleted runs are part of every answer."""

    def __init__(self, devops: DevOps, definitions: Sequence[int]) -> None:
        self._devops, self._definitions = devops, list(definitions)

    async def numbered(self, name: str) -> list[Build]:
        """Return the runs whose number is `name`."""
        return await self._list(f"look for pipeline run {name}", build_number=name)

    async def tagged(self, name: str) -> list[Build]:
        """Return the runs that are tagged with `name`."""
        return await self._list(f"look for pipeline run {name}", tag_filters=[name])

    async def since(self, since: datetime) -> list[Build]:
        """Return all runs queued since, page by page; the SDK hides the continuation token."""
        found: list[Build] = []
        while True:
            page = await self._list(
                "list the pipeline runs",
                min_time=since,
                top=PAGE,
                query_order="queueTimeAscending",
            )
            found += page
            if len(page) < PAGE or page[-1].queued_at <= since:
                return found
            since = page[-1].queued_at

    async def again(self, builds: Sequence[Build]) -> list[Build]:
        """Return the runs as they are now. A list may lag: only its own page says one is gone."""
        found: list[Build] = []
        for at in range(0, len(builds), PAGE):
            ids = [build.id for build in builds[at : at + PAGE]]
            found += await self._list("look at the pipeline runs", build_ids=ids)
        shown = {build.id for build in found}
        hidden = [self.one(build) for build in builds if build.id not in shown]
        return [*found, *await asyncio.gather(*hidden)]

    async def one(self, build: Build) -> Build:
        """Return the run as it is now; deleted if it is there no more."""
        devops = self._devops
        try:
            said = await devops.ask(
                f"look at pipeline run {build.id}",
                lambda: devops.build.get_build(devops.project, build.id),
            )
        except NotFoundError:
            return replace(build, is_deleted=True)
        return build_of(said)

    async def end(self, build: Build) -> Build:
        """Ask a run to end and return it as it is then; one that has ended is left alone."""
        devops, wish = self._devops, BuildModel(status="cancelling")
        try:
            said = await devops.ask(
                f"cancel pipeline run {build.id}",
                lambda: devops.build.update_build(wish, devops.project, build.id),
            )
        except (ConflictError, InputError, NotFoundError):
            now = await self.one(build)
            if now.is_over:
                return now
            raise
        return build_of(said)

    async def records(self, build: Build) -> Sequence[Record]:
        """Return the run's timeline; empty for one that has none."""
        devops = self._devops
        try:
            found = await devops.ask(
                f"read the stages of pipeline run {build.id}",
                lambda: devops.build.get_build_timeline(devops.project, build.id),
            )
        except NotFoundError:  # deleted, or refused before it had any
            return ()
        return found.records or () if found is not None else ()

    async def approvals(self) -> Sequence[Approval]:
        """Return all decisions that the project waits for."""
        devops = self._devops
        return await devops.ask(
            "look for pending approvals", lambda: devops.approvals.pending(devops.project)
        )

    async def log(self, build: Build, log_id: int, last: int | None = None) -> Sequence[str]:
        """Return the lines of one log, or about the `last` of them; logs are kept for a while."""
        devops, doing = self._devops, f"read the log of pipeline run {build.id}"
        try:
            first = 0 if last is None else max(await self._length(build, log_id) - last, 0)
            found = await devops.ask(
                doing,
                lambda: devops.build.get_build_log_lines(
                    devops.project, build.id, log_id, start_line=first
                ),
            )
        except NotFoundError:
            return ()
        return found or ()

    async def _length(self, build: Build, log_id: int) -> int:
        devops = self._devops
        logs = await devops.ask(
            f"list the logs of pipeline run {build.id}",
            lambda: devops.build.get_build_logs(devops.project, build.id),
        )
        return next((each.line_count or 0 for each in logs or () if each.id == log_id), 0)

    async def _list(self, doing: str, **query: object) -> list[Build]:
        devops, query = self._devops, {**query, "definitions": self._definitions}
        found = await devops.ask(
            doing,
            lambda: devops.build.get_builds(
                devops.project, deleted_filter="includeDeleted", **query
            ),
        )
        return [build_of(each) for each in found or ()]
