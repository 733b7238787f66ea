"""One look at the world, for all runs at once; what does not answer is said, not guessed."""

import logging
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.run import JobSeen, JobState, PipelineSeen, ProgressSeen, Run, Seen
from bot.domain.seen import ENDED_JOB
from bot.errors import BotError
from bot.ports import Bell, Clock, Jobs, Pipelines, Registry, RunStore, Tracking
from bot.ports.records import PromotionStore, SweepStore

log = logging.getLogger(__name__)

T = TypeVar("T")
# A service that is silent for less than this is nobody's business but the log's.
TOLD_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Backends:
    """The world that runs live in."""

    pipelines: Pipelines
    jobs: Jobs
    tracking: Tracking
    registry: Registry
    store: RunStore
    promotions: PromotionStore
    sweeps: SweepStore
    clock: Clock
    bell: Bell


@dataclass(frozen=True)
class Sighting:
    """What one look brought; None from a backend that did not answer."""

    pipelines: Mapping[str, PipelineSeen] | None
    jobs: Mapping[str, JobSeen] | None
    progress: Mapping[str, ProgressSeen] | None


class Troubles:
    """What does not answer now, since when, and in whose words; lost in a restart, found anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, datetime] = {}
        self.now: dict[str, str] = {}

    def note(self, place: str, error: BotError) -> None:
        """Note that `place` did not answer; the log hears of it once."""
        self._since.setdefault(place, self._clock.now())
        if self.now.get(place) != str(error):
            log.warning("%s waits: %s", place, error)
        self.now[place] = str(error)

    def clear(self, place: str) -> None:
        """Note that `place` answered."""
        if self.now.pop(place, None) is not None:
            log.info("%s goes on", place)
        self._since.pop(place, None)

    def lasting(self, *places: str) -> str:
        """Return the first of these troubles that has lasted long enough to tell, else ""."""
        now = self._clock.now()
        for place in places:
            since = self._since.get(place)
            if since is not None and now - since >= TOLD_AFTER:
                return f"Since {since:%H:%M} UTC: {self.now[place]}"
        return ""


async def look(world: Backends, runs: Collection[Run], troubles: Troubles) -> Sighting:
    """Ask each backend once. Jobs come before progress: an ended job has told everything."""
    names = [run.name for run in runs]

    async def ask(place: str, question: Awaitable[Mapping[str, T]]) -> Mapping[str, T] | None:
        try:
            answer = await question
        except BotError as error:
            troubles.note(place, error)
            return None
        troubles.clear(place)
        return answer

    pipelines = await ask("pipelines", world.pipelines.observe(names))
    jobs = await ask("jobs", world.jobs.observe(names))
    progress = await ask("tracking", world.tracking.observe([run.id for run in runs]))
    return Sighting(pipelines, jobs, progress)


def seen_now(run: Run, sighting: Sighting) -> Seen:
    """Return what is seen of the run, what did not answer being as it was.

    Nothing is concluded from silence: without a word on its job a run's pipeline does not end,
    and without its progress a job does not.
    """
    pipeline, job = _pipeline(run, sighting), _job(run, sighting)
    progress = (sighting.progress or {}).get(run.id, run.seen.progress)
    if sighting.jobs is None and job is None:
        pipeline = run.seen.pipeline
    return replace(run.seen, pipeline=pipeline, job=job, progress=progress)


def _pipeline(run: Run, sighting: Sighting) -> PipelineSeen | None:
    return (sighting.pipelines or {}).get(run.name, run.seen.pipeline)


def _job(run: Run, sighting: Sighting) -> JobSeen | None:
    if sighting.jobs is None:
        return run.seen.job
    job = sighting.jobs.get(run.name)
    if job is None or job.state is JobState.ABSENT:
        return None
    return run.seen.job if job.state in ENDED_JOB and sighting.progress is None else job


def places_of(run: Run) -> tuple[str, ...]:
    """Return whose silence matters to the run now."""
    has_job = run.seen.job is not None
    return (run.id, "jobs", "tracking") if has_job else (run.id, "pipelines", "jobs")
