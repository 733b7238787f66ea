"""`schedule`: runs that come by the clock, listed, added, paused and removed in chat."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.chat.changes import read_changes
from bot.domain.people import Person, Thread
from bot.domain.posts import Post, ScheduleRow, SchedulesPost, TextPost
from bot.domain.schedule import ALIASES, Schedule, in_words, next_slot
from bot.errors import InputError
from bot.service.schedules import Schedules, Wanted

EXAMPLE = "schedule add nightly 0 2 * * 1-5 tiny-sft steps=300"
ADDED = "`{name}` is scheduled: {when}. The first run comes on {first}."
PAUSED = "`{name}` is paused; `schedule resume {name}` lets it go on."
RESUMED = "`{name}` goes on; the next run comes on {first}."
REMOVED = "`{name}` is removed. Runs that it has started go on."
NONE = "Nothing is scheduled. For example: `{example}`."
CRON_FIELDS = 5
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_VERBS = {
    "add": "add",
    "pause": "pause",
    "stop": "pause",
    "resume": "resume",
    "continue": "resume",
    "remove": "remove",
    "delete": "remove",
    "list": "list",
}


@dataclass(frozen=True)
class ScheduleCommand:
    """List (`verb="list"`), add, pause, resume or remove."""

    verb: str
    name: str = ""
    cron: str = ""
    recipe: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)


def parse_schedule(words: Sequence[str]) -> ScheduleCommand:
    """Return the command. Raises `InputError` with an example that would work."""
    if not words:
        return ScheduleCommand("list")
    verb = _VERBS.get(words[0].lower())
    if verb is None:
        raise InputError(
            f"I do not know `schedule {words[0][:40]}`. There are `schedule`, `schedule add`, "
            "`schedule pause`, `schedule resume` and `schedule remove`."
        )
    if verb == "list":
        return ScheduleCommand("list")
    if len(words) == 1:
        raise InputError(f"Name the schedule, for example `{_example(verb)}`.")
    name = words[1].strip("`").lower()
    if verb != "add":
        return ScheduleCommand(verb, name)
    return _add(name, list(words[2:]))


def _example(verb: str) -> str:
    return EXAMPLE if verb == "add" else f"schedule {verb} nightly"


def _add(name: str, rest: list[str]) -> ScheduleCommand:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"`{name[:40]}` cannot name a schedule: use small letters, digits, `.`, `_` and `-`, "
            "at most 40."
        )
    cron, rest = _cron(rest)
    if not rest or "=" in rest[0]:
        raise InputError(f"Name time and recipe, for example `{EXAMPLE}`.")
    return ScheduleCommand("add", name, cron, rest[0], read_changes(rest[1:], EXAMPLE))


def _cron(words: list[str]) -> tuple[str, list[str]]:
    """Return the time and what follows: one quoted word, an alias, or five fields."""
    words = words[1:] if words and words[0].lower() in ("at", "every") else words
    if words and (" " in words[0].strip() or words[0].lower() in ALIASES):
        return words[0], words[1:]
    return " ".join(words[:CRON_FIELDS]), words[CRON_FIELDS:]


async def answer_schedule(
    schedules: Schedules, person: Person, thread: Thread, command: ScheduleCommand, now: datetime
) -> Post:
    """Do what the command says; return what to say."""
    name = command.name
    match command.verb:
        case "add":
            wanted = Wanted(name, command.cron, command.recipe, command.changes)
            made = await schedules.add(person, thread, wanted)
            text = ADDED.format(name=name, when=in_words(made), first=_moment(made, now))
            return TextPost(text, "good", (f"schedule pause {name}",))
        case "pause":
            await schedules.pause(person, name, paused=True)
            return TextPost(PAUSED.format(name=name), suggestions=(f"schedule resume {name}",))
        case "resume":
            made = await schedules.pause(person, name, paused=False)
            return TextPost(RESUMED.format(name=name, first=_moment(made, now)), "good")
        case "remove":
            await schedules.remove(person, name)
            return TextPost(REMOVED.format(name=name))
    found = await schedules.all()
    if not found:
        return TextPost(NONE.format(example=EXAMPLE))
    return SchedulesPost(tuple(row_of(schedule, now) for schedule in found))


def row_of(schedule: Schedule, now: datetime) -> ScheduleRow:
    """Return how a schedule is listed."""
    return ScheduleRow(
        name=schedule.name,
        owner=schedule.owner.name,
        recipe=schedule.recipe,
        when=in_words(schedule),
        next_at=next_slot(schedule, now),
        is_paused=schedule.is_paused,
        origin=schedule.origin.value,
        note=schedule.note,
    )


def _moment(schedule: Schedule, now: datetime) -> str:
    slot = next_slot(schedule, now)
    return f"{slot:%A %d %B, %H:%M} UTC" if slot else "no day"
