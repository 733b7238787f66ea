"""`sweep` in chat: read it, answer it, and the verbs of runs where a sweep is meant."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.chat.changes import read_changes
from bot.chat.turn import Turn
from bot.domain.people import Person
from bot.domain.posts import Post, TextPost
from bot.domain.run import Source
from bot.domain.sweep import Sweep as SweepRecord
from bot.domain.sweep import SweepStatus, is_sweep_id
from bot.domain.sweep_words import STATES, plan_in_words, progress_in_words
from bot.errors import InputError
from bot.service import Service
from trainer.contract.faults import SpecError
from trainer.contract.recipe import recipes
from trainer.contract.sweep import SweepSpec, read_sweep

EXAMPLE = "sweep tiny-sft lr=1e-3,2e-3,5e-3 seed=0,1 budget=2"
NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"
RANGE = re.compile(rf"({NUMBER}?)\.\.({NUMBER})(?::(log|{NUMBER}))?")
LIMITS = {"budget": "cost", "within": "hours"}  # of all runs together
OWN = ("trials", "parallel", "how", "draw")
GOAL = {"metric": "metric", "direction": "direction"}
STATED = {"stop_after": "patience", "draw": "seed"}


@dataclass(frozen=True)
class Sweep:
    """Ask for several runs of one recipe."""

    recipe: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StartSweep:
    """Begin a planned sweep."""

    reference: str


@dataclass(frozen=True)
class Sweeps:
    """List sweeps."""


SweepCommand: TypeAlias = Sweep | StartSweep | Sweeps


def parse_sweep(words: list[str]) -> SweepCommand:
    """Return the command. Raises `InputError` with an example."""
    if not words:
        return Sweeps()
    if words[0].lower() == "start":
        if len(words) != 2:
            raise InputError("Name the sweep to start: `sweep start sweep-20260101-abc234`.")
        return StartSweep(words[1].strip("`"))
    if "=" in words[0]:
        known = ", ".join(f"`{name}`" for name in recipes())
        raise InputError(f"Name a recipe first ({known}): `{EXAMPLE}`.")
    return Sweep(words[0], read_changes(words[1:], f"sweep {words[0]}"))


def sweep_of(recipe: str, settings: Mapping[str, str]) -> SweepSpec:
    """Return the sweep that was typed. Raises `InputError` with everything wrong at once."""
    body: dict[str, Any] = {"recipe": recipe, "changes": {}, "vary": {}, "budget": {}, "goal": {}}
    for key, text in settings.items():
        if key in LIMITS:
            body["budget"][LIMITS[key]] = text
        elif key in GOAL:
            body["goal"][key] = text
        elif key in OWN or key in STATED:
            body[STATED.get(key, key)] = text
        else:
            values = _values(text)
            body["changes" if isinstance(values, str) else "vary"][key] = values
    if not body["vary"]:
        raise InputError(
            "Nothing varies: give a setting several values (`lr=1e-3,2e-3`) or a range "
            f"(`lr=1e-4..1e-2:log`), for example `{EXAMPLE}`."
        )
    body.setdefault(
        "how", "grid" if all(_is_listed(v) for v in body["vary"].values()) else "random"
    )
    try:
        return read_sweep(body)
    except SpecError as error:
        raise InputError(". ".join(str(fault) for fault in error.faults)) from error


async def answer_sweep(service: Service, person: Person, turn: Turn, command: SweepCommand) -> Post:
    """Return what to say to the command."""
    match command:
        case Sweep():
            spec = sweep_of(command.recipe, command.settings)
            sweep = await service.sweeps.plan(person, spec, nonce=turn.key, thread=turn.thread)
            start = f"sweep start {sweep.id}"
            return TextPost(plan_in_words(sweep), suggestions=(start,), sweep_id=sweep.id)
        case StartSweep():
            sweep = await service.sweeps.start(person, command.reference, Source.CHAT)
            return TextPost(_started(sweep), sweep_id=sweep.id)
        case Sweeps():
            return _list(await service.sweeps.listed())


async def about_sweep(
    service: Service, person: Person, verb: str, reference: str | None, reason: str
) -> Post | None:
    """Return what to say of the sweep that is meant by a verb of runs; None where a run is."""
    if reference is None or not is_sweep_id(reference):
        return None
    sweeps = service.sweeps
    match verb:
        case "cancel":
            sweep = await sweeps.cancel(person, reference, reason, Source.CHAT)
            return TextPost(f"The sweep `{sweep.id}` is being stopped, and its runs with it.")
        case "reject":
            sweep = await sweeps.reject(person, reference, reason, Source.CHAT)
            return TextPost(f"You rejected `{sweep.id}`; {sweep.requester.name} is told.")
        case "approve":
            sweep = await sweeps.approve(person, reference, Source.CHAT)
            return TextPost(
                f"You agreed to all runs of `{sweep.id}`; it is on its way.", tone="good"
            )
        case "status":
            sweep = await sweeps.get(reference)
            words = progress_in_words(sweep, await sweeps.runs(sweep))
            return TextPost(words, sweep_id=sweep.id)
    raise InputError(f"`{verb}` is for runs; `status {reference}` shows the sweep with its runs.")


def _values(text: str) -> str | list[str] | dict[str, Any]:
    found = RANGE.fullmatch(text)
    if found is None or not found[1]:
        return [part.strip() for part in text.split(",")] if "," in text else text
    low, high, how = found.groups()
    rest: dict[str, Any] = {}
    if how is not None:
        rest = {"log": True} if how == "log" else {"step": how}
    return {"low": low, "high": high, **rest}


def _is_listed(values: object) -> bool:
    return isinstance(values, list) or (isinstance(values, dict) and "step" in values)


def _started(sweep: SweepRecord) -> str:
    if sweep.status is SweepStatus.AWAITING_APPROVAL:
        return (
            f"The sweep `{sweep.id}` waits for another person to agree: {sweep.plan.approval_why} "
            f"They type `approve {sweep.id}` or `reject {sweep.id} why`."
        )
    if sweep.status is SweepStatus.RUNNING:
        return f"The sweep `{sweep.id}` is on its way: {len(sweep.trials)} runs."
    return f"The sweep `{sweep.id}` is {STATES.get(sweep.status, sweep.status.value)} already."


def _list(found: Sequence[SweepRecord]) -> TextPost:
    if not found:
        return TextPost(f"There are no sweeps yet. For example: `{EXAMPLE}`.")
    lines = [
        f"`{each.id}` {each.name}: {STATES.get(each.status, each.status.value)}, "
        f"{len(each.trials)} runs" + (f", best `{each.best}`" if each.best else "")
        for each in found
    ]
    return TextPost("\n\n".join(lines))
