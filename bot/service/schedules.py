"""Schedules: listed, added, paused and removed by people; kept when due."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from bot.domain.message import Message, MessageState
from bot.domain.naming import nearest
from bot.domain.people import Person, Thread
from bot.domain.policy import insist
from bot.domain.posts import TextPost
from bot.domain.run import Source
from bot.domain.schedule import (
    Origin,
    Schedule,
    due_slot,
    in_words,
    read_cron,
    right_to_change,
    slot_key,
)
from bot.errors import (
    BotError,
    ConflictError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from bot.ports.records import ScheduleStore
from bot.service.drafts import Drafts
from bot.service.machines import Machines, Order
from bot.service.world import World

log = logging.getLogger(__name__)

Changed = TypeVar("Changed", Schedule, Schedule | None)
MOST = 50  # schedules in all: each is looked at in every sweep


@dataclass(frozen=True)
class Wanted:
    """A schedule as a person asks for it."""

    name: str
    cron: str
    recipe: str
    changes: Mapping[str, Any]


async def change_schedule(
    store: ScheduleStore, name: str, change: Callable[[Schedule | None], Changed]
) -> Changed:
    """Apply `change` to the newest form; somebody faster makes it look again.

    Given None where there is none. What it returns is stored, unless that is None.
    """
    while True:
        after = change(await store.schedule(name))
        if after is None:
            return after
        try:
            return await store.put_schedule(after)
        except ConflictError:
            continue


async def note_slot(store: ScheduleStore, name: str, slot: datetime, note: str) -> None:
    """Note what came of a slot; a schedule that was removed meanwhile stays away."""

    def noted(known: Schedule | None) -> Schedule | None:
        if known is None:
            return None
        return replace(known, last_slot=max(known.last_slot, slot), note=note)

    await change_schedule(store, name, noted)


class Schedules:
    """What people can do with schedules, and what the clock does."""

    def __init__(self, world: World, store: ScheduleStore, machines: Machines) -> None:
        self._world, self._store, self._machines = world, store, machines

    async def all(self) -> Sequence[Schedule]:
        """Return every schedule, by name."""
        return await self._store.schedules()

    async def add(self, person: Person, thread: Thread | None, wanted: Wanted) -> Schedule:
        """Add a schedule after a look at what it would start; every fault is named at once."""
        now = self._world.clock.now()
        known = await self._store.schedules()
        if any(schedule.name == wanted.name for schedule in known):
            raise ConflictError(
                f"There is a schedule `{wanted.name}` already; choose another name, "
                f"or `schedule remove {wanted.name}` first."
            )
        if len(known) >= MOST:
            raise InputError(f"There are {MOST} schedules already; remove one first.")
        cron = read_cron(wanted.cron)
        await self._trial(person, wanted, now)
        schedule = Schedule(
            name=wanted.name,
            owner=person,
            thread=thread,
            recipe=wanted.recipe,
            cron=cron,
            created_at=now,
            last_slot=now,
            changes=dict(wanted.changes),
        )
        await self._store.put_schedule(schedule)
        return schedule

    async def _trial(self, person: Person, wanted: Wanted, now: datetime) -> None:
        """Draw the plan that a slot would start, so that faults show now and not at night."""
        nonce = f"schedule-trial/{wanted.name}/{now.isoformat()}"
        drafts = Drafts(self._world)
        asked = drafts.asked(person, None, nonce, wanted.changes)
        await drafts.from_recipe(replace(asked, is_unattended=True), wanted.recipe)

    async def pause(self, person: Person, name: str, *, paused: bool) -> Schedule:
        """Pause or resume; slots that passed meanwhile are not made up for. May be repeated."""
        schedule = await self._mine(person, name)
        now = self._world.clock.now()

        def changed(known: Schedule | None) -> Schedule | None:
            if known is None:
                return None
            return replace(known, is_paused=paused, last_slot=max(known.last_slot, now))

        after = await change_schedule(self._store, name, changed)
        if after is None:
            raise ConflictError(f"The schedule `{schedule.name}` was removed meanwhile.")
        return after

    async def remove(self, person: Person, name: str) -> Schedule:
        """Remove it; runs that it has started go on."""
        schedule = await self._mine(person, name)
        if schedule.origin is Origin.REPOSITORY:
            raise InputError(
                f"`{name}` is written in the repository; take its file away there, "
                f"or `schedule pause {name}`."
            )
        await self._store.remove_schedule(name)
        return schedule

    async def _mine(self, person: Person, name: str) -> Schedule:
        schedule = await self._store.schedule(name)
        if schedule is None:
            near = nearest(name, [each.name for each in await self._store.schedules()])
            hint = f" Did you mean `{near}`?" if near else " `schedule` lists them."
            raise NotFoundError(f"There is no schedule `{name[:60]}`.{hint}")
        insist(right_to_change(self._world.policy, person, schedule))
        return schedule

    async def keep(self) -> None:
        """Ask for the run of every slot that is due, once. May be repeated at any time."""
        now = self._world.clock.now()
        for schedule in await self._store.schedules():
            slot = due_slot(schedule, now)
            if slot is not None and schedule.origin is Origin.CHAT:
                await self._keep(schedule, slot)

    async def _keep(self, schedule: Schedule, slot: datetime) -> None:
        try:
            run, _ = await self._machines.request(self._order(schedule, slot))
            note = run.id
        except UnavailableError:
            raise  # the slot stays due
        except BotError as error:
            note = f"not started: {error}"
            await self._tell(schedule, slot, str(error))
        log.info("schedule %s kept its slot of %s", schedule.name, slot)
        await note_slot(self._store, schedule.name, slot, note)

    def _order(self, schedule: Schedule, slot: datetime) -> Order:
        words = (
            f"Schedule `{schedule.name}` ({in_words(schedule)}), in {schedule.owner.name}'s name."
        )
        return Order(
            key=slot_key(schedule.name, slot),
            source=Source.SCHEDULE,
            owner_id=schedule.owner.id,
            recipe=schedule.recipe,
            changes=schedule.changes,
            words=words,
            thread=schedule.thread,
        )

    async def _tell(self, schedule: Schedule, slot: datetime, why: str) -> None:
        """Tell the owner's thread, once a slot, why nothing was started."""
        if schedule.thread is None:
            return
        text = (
            f"Schedule `{schedule.name}` could not start its run of {slot:%d %B %H:%M} UTC. {why}"
        )
        message = Message(
            key=slot_key(schedule.name, slot),
            thread=schedule.thread,
            post=TextPost(text, "warning", (f"schedule pause {schedule.name}",)),
            state=MessageState.PENDING,
            created_at=self._world.clock.now(),
        )
        await self._world.store.add_message(message)
        self._world.bell.ring("outbox")
