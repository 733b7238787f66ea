"""Keeps an eye on the pipeline runs that are asked for, with as few requests as it takes.

One look at all of them lists what was queued since the look before (which also shows a second run
of one name), asks by id for those that are older and not over, and for the timeline of each that
moves. Nothing here has to survive a restart: what is not remembered is looked up.
"""

import asyncio
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.adapters.azure.builds import Build, chosen, named, surplus
from bot.adapters.azure.devops import Approval, DevOps
from bot.adapters.azure.queries import Queries
from bot.adapters.azure.timeline import (
    Record,
    failed_step,
    first_fault,
    has_open_approval,
    stages,
    state,
    tail,
    waits,
)
from bot.domain.run import PipelineSeen, PipelineState
from bot.errors import AccessError, BotError, NotFoundError, UnavailableError
from bot.ports import Clock

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=15)  # what a start whose answer was lost may need to show up
FIRST_LOOK = timedelta(days=7)  # older names are looked up one by one, once
FORGET = timedelta(hours=1)  # after nobody asked for a name
_SKEW = timedelta(hours=1)
_TAIL = 40
_READ = 120  # lines of a log's end, of which the tail is what speaks of the step
_DATE = re.compile(r"-(\d{8})-")


@dataclass
class _Known:
    """What is remembered of one name."""

    asked_at: datetime
    looked_at: datetime | None = None
    builds: dict[int, Build] = field(default_factory=dict)
    seen: PipelineSeen | None = None
    told: Build | None = None  # the ended build that `seen` tells of to the last word

    def of(self, name: str) -> list[Build]:
        return named(self.builds.values(), name)


class Lookout:
    """Remembers the builds of each name and what was seen of them."""

    def __init__(self, devops: DevOps, queries: Queries, clock: Clock, *, every_s: float) -> None:
        self._devops, self._queries, self._clock = devops, queries, clock
        self._every = timedelta(seconds=every_s)
        self._known: dict[str, _Known] = {}
        self._listed_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def look(self, names: Collection[str]) -> Mapping[str, PipelineSeen]:
        """Return what is known of each; asks no more often than `every_s`.

        While Azure DevOps wants a pause, what was seen before it is what is known.
        """
        async with self._lock:
            now = self._clock.now()
            due = [name for name in names if self._is_due(name, now)]
            if due and not (self._devops.calls.gate.held_s > 0 and self._all_seen(due)):
                await self._refresh(due, now)
            self._forget(names, now)
            found = {name: self._known[name].seen for name in names if name in self._known}
            return {name: seen for name, seen in found.items() if seen is not None}

    async def find(self, name: str) -> list[Build]:
        """Return the builds of `name`, oldest first: by number, else by tag."""
        found = await self._queries.numbered(name)
        if not named(found, name):
            found = await self._queries.tagged(name)
        self.note(name, found)
        return self.remembered(name)

    def note(self, name: str, builds: Iterable[Build]) -> None:
        """Remember builds of `name`; what they do is looked at when somebody asks next."""
        known = self._remember(name, builds)
        known.looked_at = None
        build = chosen(known.of(name))
        if known.seen is None and build is not None:
            url = self._devops.run_url(build.id)
            known.seen = PipelineSeen(PipelineState.QUEUED, url=url)

    def remembered(self, name: str) -> list[Build]:
        """Return the builds of `name` as they were seen last, oldest first."""
        return self._known[name].of(name) if name in self._known else []

    def _remember(self, name: str, builds: Iterable[Build]) -> _Known:
        known = self._known.setdefault(name, _Known(self._clock.now()))
        for build in builds:
            if name in build.names or build.id in known.builds:
                known.builds[build.id] = replace(build, names=build.names | {name})
        return known

    def _all_seen(self, names: Iterable[str]) -> bool:
        return all(name in self._known and self._known[name].seen is not None for name in names)

    def _is_due(self, name: str, now: datetime) -> bool:
        known = self._known.get(name)
        if known is None or known.looked_at is None:
            return True
        age = now - known.looked_at
        build = chosen(known.of(name))
        if build is None:
            return age >= 6 * self._every
        if known.told is None:
            return age >= self._every
        # A second run of the name may still show up; later than that nothing can be new.
        is_late = build.ended_at is None or now - build.ended_at > OVERLAP
        return not is_late and age >= 12 * self._every

    def _forget(self, names: Collection[str], now: datetime) -> None:
        for name in names:
            if name in self._known:
                self._known[name].asked_at = now
        old = [name for name, known in self._known.items() if now - known.asked_at > FORGET]
        for name in old:
            del self._known[name]

    async def _refresh(self, due: Sequence[str], now: datetime) -> None:
        since = self._since(due, now)
        builds = await self._queries.since(since)
        unlisted = [name for name in due if name not in self._known and minted(name) < since]
        for found in await asyncio.gather(*(self.find(name) for name in unlisted)):
            builds += found
        shown = {build.id for build in builds}
        open_ = [b for name in due for b in self.remembered(name) if not b.is_over]
        builds += await self._queries.again([b for b in open_ if b.id not in shown])
        self._listed_at = now
        for name in due:
            self._remember(name, builds)
            await self._end_surplus(name)
        await self._see(due)
        for name in due:
            self._known[name].looked_at = now

    def _since(self, due: Sequence[str], now: datetime) -> datetime:
        if self._listed_at is not None:
            return self._listed_at - OVERLAP
        oldest = max(min(minted(name) for name in due), now - FIRST_LOOK)
        return min(oldest, now - OVERLAP)  # a name may be of tomorrow, by somebody's clock

    async def _end_surplus(self, name: str) -> None:
        for build in surplus(self.remembered(name)):
            log.warning("pipeline run %s of %s is a second one; it is cancelled", build.id, name)
            try:
                self._remember(name, [await self._queries.end(build)])
            except BotError as error:  # harmless, as 0016 says; the next look tries again
                log.warning("pipeline run %s could not be cancelled: %s", build.id, error)

    async def _see(self, names: Sequence[str]) -> None:
        """Tell what is new of each name's build; one that does not answer must not hide others."""
        moving = {name: build for name in names if (build := self._untold(name)) is not None}
        asked = await asyncio.gather(
            *map(self._queries.records, moving.values()), return_exceptions=True
        )
        told = dict(zip(moving, asked, strict=True))
        silent = {name: said for name, said in told.items() if isinstance(said, BaseException)}
        for name, error in silent.items():
            if len(silent) == len(told) or not isinstance(error, UnavailableError):
                raise error
            log.warning("the stages of pipeline run %s are not to be had: %s", name, error)
        timelines = {
            name: said for name, said in told.items() if not isinstance(said, BaseException)
        }
        approvals = await self._approvals(timelines.values())
        for name, records in timelines.items():
            known, build = self._known[name], moving[name]
            known.seen = await self._seen(build, records, approvals)
            known.told = build if build.is_over else None

    async def _approvals(self, timelines: Iterable[Sequence[Record]]) -> Sequence[Approval]:
        """Return who has to decide, if anybody has; without the right to ask, nobody is named."""
        if not any(has_open_approval(records) for records in timelines):
            return ()
        try:
            return await self._queries.approvals()
        except (AccessError, NotFoundError) as error:
            log.warning("who has to approve is not to be had: %s", error)
            return ()

    def _untold(self, name: str) -> Build | None:
        """Return the build that counts, unless all was told of it."""
        build = chosen(self.remembered(name))
        return None if build is None or build == self._known[name].told else build

    async def _seen(
        self, build: Build, records: Sequence[Record], approvals: Sequence[Approval]
    ) -> PipelineSeen:
        url, shown = self._devops.run_url(build.id), stages(records)
        seen = PipelineSeen(
            state(build.state, shown),
            shown,
            url=url,
            waits_for=() if build.is_over else waits(records, approvals, build.id, url),
        )
        if seen.state is PipelineState.LOST:
            why = "was deleted in Azure DevOps" if build.is_deleted else "ended without a result"
            return replace(seen, fault=f"Pipeline run {build.id} {why}.")
        if seen.state is not PipelineState.FAILED:
            return seen
        step, fault = failed_step(records), first_fault(records)
        if step is None:
            return replace(seen, fault=fault or "\n".join(build.complaints) or None)
        log_lines = await self._queries.log(build, step.log_id, _READ) if step.log_id else ()
        return replace(
            seen,
            failed_step=step.name,
            fault=step.fault or fault,
            log_tail=tail(log_lines, _TAIL),
        )


def minted(name: str) -> datetime:
    """Return the earliest moment at which a run of this name can have been queued."""
    found = _DATE.search(name)
    try:
        day = datetime.strptime(found[1] if found else "", "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return day - _SKEW
