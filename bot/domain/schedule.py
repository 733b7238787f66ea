"""Runs that come by the clock: when one is due, and how that reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from cronsim import CronSim, CronSimError

from bot.domain.people import Person, Thread
from bot.domain.policy import YES, Policy, Right, no, roles_in_words
from bot.errors import FieldFault, InputError

ALIASES = {
    "hourly": "0 * * * *",
    "daily": "0 2 * * *",
    "nightly": "0 2 * * *",
    "weekdays": "0 2 * * 1-5",
    "weekly": "0 2 * * 1",
    "monthly": "0 2 1 * *",
}
SLOT = "%Y%m%dT%H%MZ"  # how a slot is written
CLOSEST = timedelta(minutes=55)  # between two slots: a typo must not start sixty runs an hour
# A slot that nobody could keep is made up for within this time, the newest only; then it is over.
MADE_UP_FOR = timedelta(hours=6)


class Origin(StrEnum):
    """Where a schedule is written down."""

    CHAT = "chat"
    REPOSITORY = "repository"


@dataclass(frozen=True)
class Schedule:
    """A run to ask for in its owner's name at each slot of `cron` (UTC).

    Slots at or before `last_slot` have been dealt with. `note` says how the last one went.
    """

    name: str
    owner: Person
    thread: Thread | None
    recipe: str
    cron: str
    created_at: datetime
    last_slot: datetime
    changes: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = Origin.CHAT
    is_paused: bool = False
    note: str = ""
    version: int = 0


def read_cron(text: str) -> str:
    """Return the cron expression (five fields, UTC) or that of an alias such as `nightly`.

    Raises `InputError` for another text, and for one whose slots come too close.
    """
    cron = ALIASES.get(text.strip().lower(), " ".join(text.split()))
    try:
        slots = CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
        first, second = next(slots), next(slots)
    except (CronSimError, StopIteration) as error:
        raise _bad_cron(f"`{text[:60]}` is no time that comes again") from error
    if second - first < CLOSEST:
        raise _bad_cron(f"`{text[:60]}` comes more often than once an hour")
    return cron


def _bad_cron(why: str) -> InputError:
    return InputError(
        f"{why}. Write five cron fields in quotes (minute hour day month weekday, UTC), "
        f"for example `0 2 * * 1-5`, or one of {', '.join(ALIASES)}.",
        (FieldFault("cron", why),),
    )


def due_slot(schedule: Schedule, now: datetime) -> datetime | None:
    """Return the newest slot that is due and not dealt with; older ones are passed over."""
    if schedule.is_paused:
        return None
    begin = max(schedule.last_slot, now - MADE_UP_FOR)
    due = None
    for slot in CronSim(schedule.cron, begin):
        if slot > now:
            return due
        due = slot
    return due


def next_slot(schedule: Schedule, now: datetime) -> datetime | None:
    """Return when it is due next; None while it is paused."""
    return None if schedule.is_paused else next(CronSim(schedule.cron, now), None)


def slot_key(name: str, slot: datetime) -> str:
    """Return the idempotency key of one slot: asking for it twice asks for it once."""
    return f"schedule/{name}/{slot.astimezone(UTC):{SLOT}}"


def in_words(schedule: Schedule) -> str:
    """Return when it comes, as a person would say it."""
    return f"{CronSim(schedule.cron, schedule.created_at).explain()} (UTC)"


def right_to_change(policy: Policy, person: Person, schedule: Schedule) -> Right:
    """Return whether the person may pause, resume or remove the schedule."""
    if person.is_same(schedule.owner) or person.role in policy.cancel_others:
        return YES
    return no(
        f"`{schedule.name}` is {schedule.owner.name}'s; only they or "
        f"{roles_in_words(policy.cancel_others)} can change it."
    )
