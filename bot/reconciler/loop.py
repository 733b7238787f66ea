"""The loop: look at every unfinished run, take one step, tell the people what is new.

Level-triggered: each sweep begins with what is stored and what pipeline, job and trainer say, so
whatever a crash lost is found again. The bell only makes the next sweep come sooner.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.changing import state_event
from bot.domain.message import Message, MessageState
from bot.domain.ordering import train_parameters
from bot.domain.picture import view_of
from bot.domain.plan import (
    Step,
    Tempo,
    news,
    next_step,
    resubmitted,
    status_of,
    stopped_for_cost,
)
from bot.domain.policy import Policy, refusal_to_start
from bot.domain.run import Event, PipelineSeen, PipelineState, Run, RunStatus, Source
from bot.domain.sightings import sightings
from bot.errors import BotError, ConflictError, UnavailableError
from bot.ports import PipelineKind, PipelineRequest
from bot.reconciler.look import Backends, Sighting, Troubles, look, places_of, seen_now
from bot.reconciler.promotions import Promoter
from bot.reconciler.sweeps import Sweeper
from trainer.contract.spec import spec_hash

log = logging.getLogger(__name__)

ASKED_ANEW = timedelta(seconds=60)  # so seldom is it noted that a start is still being tried


class Reconciler:
    """Compares wish with fact, again and again; only one may run per store."""

    def __init__(self, world: Backends, policy: Policy, tempo: Tempo, pause_s: float) -> None:
        self._world, self._policy, self._tempo = world, policy, tempo
        self._pause_s = pause_s
        self.sweeps = 0
        self._troubles = Troubles(world.clock)
        self._promoter = Promoter(world, policy, self._troubles)
        self._sweeper = Sweeper(world, policy, self._troubles)

    @property
    def troubles(self) -> Mapping[str, str]:
        """Return what does not answer now, by place, for /readyz, /metrics and the page."""
        return self._troubles.now

    async def run(self) -> None:
        """Sweep until cancelled: after each pause, or at once when the bell rings `wake`."""
        async with self._world.bell.listen(["wake"]) as rings:
            while True:
                await self._sweep_safely()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause_s):
                        await anext(rings)

    async def _sweep_safely(self) -> None:
        try:
            await self.sweep()
            self._troubles.clear("sweep")
        except BotError as error:
            self._troubles.note("sweep", error)
        except Exception:  # the loop must outlive a bug in one sweep; the next one starts anew
            log.exception("a sweep failed")
            self._troubles.note("sweep", BotError("The reconciler met a bug; its log has it."))

    async def sweep(self) -> None:
        """Look once at every unfinished run; let waiting jobs begin; forget nothing."""
        runs = await self._world.store.unfinished()
        sighting = await look(self._world, runs, self._troubles)
        for run in runs:
            await self._tend(run, sighting)
        try:
            await self._world.jobs.advance()
            self._troubles.clear("queue")
        except BotError as error:
            self._troubles.note("queue", error)
        await self._promoter.sweep()
        await self._sweeper.sweep()
        self.sweeps += 1

    async def _tend(self, run: Run, sighting: Sighting) -> None:
        """Bring one run forward; a conflict or a fault leaves it for the next sweep."""
        try:
            seen = await self._see(run, sighting)
            await self._act(seen)
            self._troubles.clear(run.id)
        except ConflictError:
            self._world.bell.ring("wake")
        except BotError as error:
            self._troubles.note(run.id, error)

    async def _see(self, run: Run, sighting: Sighting) -> Run:
        """Store what is new of the run, with its events and the messages that tell it."""
        now = self._world.clock.now()
        trouble = self._troubles.lasting(*places_of(run))
        after = replace(run, seen=seen_now(run, sighting), trouble=trouble)
        after = replace(after, status=status_of(after, now))
        if after.status.is_final:
            after = replace(after, ended_at=now)
        return await self._save(run, after, sightings(run, after, now))

    async def _save(self, before: Run, after: Run, events: Sequence[Event]) -> Run:
        now = self._world.clock.now()
        if after.status is not before.status:
            events = (*events, state_event(after, now))
        told = await self._told(after.id)
        posts = news(after, view_of(after, now, _lost(told)), told, now, self._tempo)
        if after == before and not events and not posts:
            return before
        saved = await self._world.store.save_run(
            replace(after, seen=replace(after.seen, at=now)), events, posts
        )
        self._ring(saved.id, has_posts=bool(posts), has_status=after.status is not before.status)
        if after.status is not before.status:
            log.info("run %s is now %s", saved.id, saved.status)
        return saved

    async def _told(self, run_id: str) -> dict[str, Message]:
        return {m.key: m for m in await self._world.store.messages(run_id=run_id)}

    def _ring(self, run_id: str, *, has_posts: bool, has_status: bool) -> None:
        self._world.bell.ring(f"run:{run_id}")
        self._world.bell.ring("runs")
        if has_posts:
            self._world.bell.ring("outbox")
        if has_status:
            self._world.bell.ring("wake")

    async def _act(self, run: Run) -> None:
        """Take the one step that the facts call for. Every step may be repeated."""
        match next_step(run, self._world.clock.now()):
            case Step.START_PIPELINE:
                await self._start(run)
            case Step.CANCEL_PIPELINE:
                await self._world.pipelines.cancel(run.name)
            case Step.CANCEL_JOB:
                await self._world.pipelines.cancel(run.name)
                await self._world.jobs.cancel(run.name)
            case Step.STOP_FOR_COST:
                await self._stop_for_cost(run)
            case Step.RESUBMIT:
                await self._resubmit(run)
            case Step.NOTHING:
                pass

    async def _start(self, run: Run) -> None:
        """Start the pipeline, after a last look at hash, consent and limit."""
        refusal = refusal_to_start(self._policy, run, spec_hash(run.spec))
        now = self._world.clock.now()
        if refusal is not None:
            await self._fail(run, f"It was not started. {refusal}", now)
            return
        if run.start_asked_at is None or now - run.start_asked_at > ASKED_ANEW:
            # Before it is asked for: a crash in between must not hide that it was.
            run = await self._save(run, replace(run, start_asked_at=now), [])
        try:
            await self._world.pipelines.start(
                PipelineRequest(
                    run.name,
                    PipelineKind.TRAIN,
                    train_parameters(run.name, run.spec),
                    run.requester.id,
                )
            )
        except UnavailableError:
            raise
        except BotError as error:  # a pipeline file that cannot be used: trying again is no use
            await self._fail(run, str(error), now)

    async def _fail(self, run: Run, why: str, now: datetime) -> None:
        pipeline = PipelineSeen(PipelineState.FAILED, fault=why)
        after = replace(run, seen=replace(run.seen, pipeline=pipeline))
        after = replace(after, status=RunStatus.FAILED, ended_at=now)
        await self._save(run, after, [Event(run.id, now, None, "refused", why, Source.BOT)])

    async def _resubmit(self, run: Run) -> None:
        """Ask for the run's next job under its next name; the one before is spent."""
        now = self._world.clock.now()
        after = resubmitted(run, now)
        why = f"The platform lost the job {run.name}; it is submitted again as {after.name}."
        event = Event(run.id, now, None, "resubmitted", why, Source.BOT)
        await self._act(await self._save(run, after, [event]))

    async def _stop_for_cost(self, run: Run) -> None:
        now = self._world.clock.now()
        after = stopped_for_cost(run, now)
        why = after.wish.cancel.reason if after.wish.cancel else ""
        event = Event(run.id, now, None, "cost_limit", why, Source.BOT)
        await self._act(await self._save(run, after, [event]))


def _lost(told: dict[str, Message]) -> tuple[str, ...]:
    """Return a sentence for each message that may not have arrived, for the card that did."""
    unknown = [m for m in told.values() if m.state is MessageState.UNKNOWN]
    kinds = [m.post.kind.replace("_", " ").capitalize() for m in unknown]
    return tuple(f"{kind} message: delivery unknown, not sent again." for kind in kinds)
