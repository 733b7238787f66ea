"""The loop's part for sweeps: start trials, stop them, tell what came of them."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.domain.changing import By, settled, started
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.picture import view_of
from bot.domain.plan import Tempo, news
from bot.domain.policy import Policy
from bot.domain.posts import TextPost
from bot.domain.run import Cancel, Event, Run, Source
from bot.domain.sweep import Sweep, SweepStatus, TrailLine, Trial
from bot.domain.sweep_changing import with_consent
from bot.domain.sweep_steps import next_moves
from bot.domain.sweep_words import end_in_words, progress_in_words
from bot.errors import BotError, ConflictError
from bot.reconciler.look import Backends, Troubles
from trainer.contract.sweep import in_words

log = logging.getLogger(__name__)

PLACE = "sweeps"


class Sweeper:
    """Brings each open sweep forward; its runs go the way of all runs."""

    def __init__(self, world: Backends, policy: Policy, troubles: Troubles) -> None:
        self._world, self._policy, self._troubles = world, policy, troubles

    async def sweep(self) -> None:
        """Look once at every open sweep. What does not answer is left for the next time."""
        try:
            found = await self._world.sweeps.open_sweeps()
            self._troubles.clear(PLACE)
        except BotError as error:
            self._troubles.note(PLACE, error)
            return
        for sweep in found:
            await self._tend(sweep)

    async def _tend(self, sweep: Sweep) -> None:
        try:
            await self._bring_forward(sweep)
            self._troubles.clear(sweep.id)
        except ConflictError:
            self._world.bell.ring("wake")
        except BotError as error:
            self._troubles.note(sweep.id, error)

    async def _bring_forward(self, sweep: Sweep) -> None:
        """Start and stop what is due, then store what is known; a kill between repeats it."""
        now = self._world.clock.now()
        runs = await self._runs(sweep)
        moves = next_moves(sweep, runs, now)
        after = moves.sweep
        for trial in moves.start:
            run = await self._start(sweep, trial, now)
            if run is None:
                after = _lost(after, trial, now)
                break
            runs[run.id] = run
        for run_id in moves.stop:
            runs[run_id] = await self._stop(after, runs[run_id], now)
        await self._save(sweep, after, runs, now)

    async def _runs(self, sweep: Sweep) -> dict[str, Run]:
        found = [await self._world.store.run(trial.run_id) for trial in sweep.trials]
        return {run.id: run for run in found if run is not None}

    async def _start(self, sweep: Sweep, trial: Trial, now: datetime) -> Run | None:
        """Turn the trial's plan into a run, once; None where the plan is gone or another."""
        draft = await self._world.store.draft(trial.run_id)
        if draft is None or draft.spec_sha256 != trial.spec_sha256:
            return None
        said = (
            f"Trial {trial.number} of {sweep.id} ({in_words(trial.point)}), which "
            f"{sweep.requester.name} asked for."
        )
        by = By(sweep.requester, now, Source.BOT, words=said)
        # The sweep was asked about as a whole; its consent is each trial's.
        change = started(replace(draft, approval_why=None), by, self._policy, secrets.token_urlsafe)
        run = with_consent(change.run, sweep.wish.approval)
        run = await self._world.store.add_run(run, change.events, ())
        for topic in ("wake", "runs", f"run:{run.id}"):
            self._world.bell.ring(topic)
        log.info("run %s began as trial %d of %s", run.id, trial.number, sweep.id)
        return run

    async def _stop(self, sweep: Sweep, run: Run, now: datetime) -> Run:
        asked = sweep.wish.cancel
        who = asked.by if asked else None
        why = f"Its sweep {sweep.id} ends: {sweep.note}"
        wish = replace(run.wish, cancel=Cancel(by=who, at=now, reason=why))
        event = Event(run.id, now, who, "cancel_asked", why, Source.BOT)
        change = settled(replace(run, wish=wish), now, event)
        told = {m.key: m for m in await self._world.store.messages(run_id=run.id)}
        posts = news(change.run, view_of(change.run, now), told, now, Tempo())
        return await self._world.store.save_run(change.run, change.events, posts)

    async def _save(
        self, before: Sweep, after: Sweep, runs: Mapping[str, Run], now: datetime
    ) -> None:
        text = progress_in_words(after, runs)
        messages = [_message(after, thread, "sweep", text, now) for thread in after.threads]
        if after.ended_at is not None:
            end = end_in_words(after, runs, now)
            messages += [_message(after, thread, "end", end, now) for thread in after.threads]
        after = replace(after, told=text)
        if after == before:
            return
        await self._world.sweeps.save_sweep(after, messages)
        for topic in ("outbox", "sweeps", *(["wake"] if after.status is not before.status else [])):
            self._world.bell.ring(topic)
        if after.status is not before.status:
            log.info("sweep %s is now %s", after.id, after.status)


def _lost(sweep: Sweep, trial: Trial, now: datetime) -> Sweep:
    why = f"The plan of trial {trial.number} is gone or another; plan the sweep again."
    line = TrailLine(now, None, why, Source.BOT)
    trail = (*sweep.trail, line)
    return replace(sweep, note=why, status=SweepStatus.STOPPING, trail=trail)


def _message(sweep: Sweep, thread: Thread, what: str, text: str, now: datetime) -> Message:
    is_good = what == "end" and sweep.status is SweepStatus.SUCCEEDED
    return Message(
        key=f"{sweep.id}/{what}/{thread.id}",
        thread=thread,
        post=TextPost(text, tone="good" if is_good else "plain", sweep_id=sweep.id),
        state=MessageState.PENDING,
        created_at=now,
    )
