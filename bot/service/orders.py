"""Orders of pipelines: a run file that was committed, is due, or was asked for by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from bot.domain.people import Person
from bot.domain.run import Run, RunStatus, Source
from bot.domain.schedule import SLOT, Origin, Schedule, read_cron
from bot.errors import InputError
from bot.ports.records import ScheduleStore
from bot.service.machines import Machines
from bot.service.machines import Order as Wanted
from bot.service.schedules import change_schedule, note_slot
from trainer.contract.order import Order, OrderAnswer

SOURCES = {"commit": Source.COMMIT, "schedule": Source.SCHEDULE, "manual": Source.PIPELINE}


class Orders:
    """Takes what pipelines ask for; each order once."""

    def __init__(self, machines: Machines, schedules: ScheduleStore, public_url: str) -> None:
        self._machines, self._schedules, self._url = machines, schedules, public_url

    async def take(self, order: Order) -> OrderAnswer:
        """Return what came of it. Raises as `Machines.request`."""
        owner = await self._machines.owner(order.owner)
        schedule = await self._listed(order, owner) if order.kind == "schedule" else None
        if schedule is not None and schedule.is_paused:
            message = f"The schedule `{schedule.name}` is paused; nothing is started."
            return OrderAnswer(run_id=None, status="paused", is_new=False, message=message)
        run, is_new = await self._machines.request(_wanted(order, owner))
        if schedule is not None:
            await note_slot(self._schedules, schedule.name, _slot(order), run.id)
        return OrderAnswer(
            run_id=run.id,
            status=run.status.value,
            is_new=is_new,
            message=_message(run, is_new=is_new),
            url=f"{self._url}/runs/{run.id}",
        )

    async def _listed(self, order: Order, owner: Person) -> Schedule:
        """Keep the file's schedule among the others, so that chat lists it and can pause it."""
        if order.schedule is None:
            raise InputError(f"{order.path} has no `schedule`, so none of its slots can be due.")
        name, slot = PurePosixPath(order.path).stem, _slot(order)
        fresh = Schedule(
            name=name,
            owner=owner,
            thread=None,
            recipe=order.recipe,
            cron=read_cron(order.schedule),
            created_at=slot,
            last_slot=slot,
            changes=order.changes,
            origin=Origin.REPOSITORY,
        )

        def as_in_the_file(known: Schedule | None) -> Schedule:
            if known is None:
                return fresh
            if known.origin is not Origin.REPOSITORY:
                raise InputError(
                    f"There is a schedule `{name}` from chat; "
                    f"give the file {order.path} another name."
                )
            return replace(
                fresh,
                created_at=known.created_at,
                last_slot=max(known.last_slot, slot),
                is_paused=known.is_paused,
                note=known.note,
                version=known.version,
            )

        return await change_schedule(self._schedules, name, as_in_the_file)


def _slot(order: Order) -> datetime:
    try:
        return datetime.strptime(order.slot, SLOT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(
            f"`{order.slot}` is no slot; it is written like 20261125T0200Z."
        ) from error


def _wanted(order: Order, owner: Person) -> Wanted:
    what = {
        "commit": f"Commit {order.commit[:12]} changed {order.path}",
        "schedule": f"The schedule of {order.path} was due ({order.slot})",
        "manual": f"{order.asked_by or 'Somebody'} started {order.path} by hand",
    }[order.kind]
    return Wanted(
        key=order.key,
        source=SOURCES[order.kind],
        owner_id=order.owner,
        recipe=order.recipe,
        changes=order.changes,
        words=f"{what}; it runs in {owner.name}'s name.",
    )


def _message(run: Run, *, is_new: bool) -> str:
    if not is_new:
        return f"It was asked for before: {run.id} is {run.status.replace('_', ' ')}."
    if run.status is RunStatus.AWAITING_APPROVAL:
        return f"{run.id} waits for another person to agree."
    return f"{run.id} is on its way."
