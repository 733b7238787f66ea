"""From what a person typed to a command, or a sentence with the nearest thing that would work."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.chat.changes import LATEST, read_changes
from bot.chat.promoting import (
    PromotionCommand,
    parse_models,
    parse_promote,
    parse_undeploy,
)
from bot.chat.scheduling import ScheduleCommand, parse_schedule
from bot.chat.sweeping import SweepCommand, parse_sweep
from bot.chat.words import COMMANDS
from bot.domain.naming import nearest
from bot.domain.run import RunStatus
from bot.errors import InputError
from trainer.contract.recipe import recipes

# Words that people type for a command; the right-hand sides are the words of docs/glossary.md.
SYNONYMS = {
    "hi": "help",
    "hello": "help",
    "hey": "help",
    "?": "help",
    "commands": "help",
    "start": "train",
    "run": "train",
    "finetune": "train",
    "fine-tune": "train",
    "list": "runs",
    "ls": "runs",
    "stop": "cancel",
    "kill": "cancel",
    "abort": "cancel",
    "log": "logs",
    "metric": "metrics",
    "loss": "metrics",
    "retry": "rerun",
    "repeat": "rerun",
    "again": "rerun",
    "whoami?": "whoami",
    "who": "whoami",
    "me": "whoami",
    "decline": "reject",
    "refuse": "reject",
    "accept": "approve",
    "schedules": "schedule",
    "cron": "schedule",
    "machines": "queue",
    "serve": "promote",
    "deploy": "promote",
    "publish": "promote",
    "model": "models",
    "endpoints": "models",
    "unserve": "undeploy",
    "retire": "undeploy",
    "clusters": "queue",
    "sweeps": "sweep",
    "tune": "sweep",
}


@dataclass(frozen=True)
class Help:
    """Ask what can be typed; `topic` is a command."""

    topic: str | None = None
    is_greeting: bool = False


@dataclass(frozen=True)
class Whoami:
    """Ask who the bot thinks one is."""


@dataclass(frozen=True)
class Train:
    """Ask for a run; without a recipe the form comes."""

    recipe: str | None = None
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """A command about one run: status, logs, metrics, approve. No reference: one's newest."""

    verb: str
    reference: str | None = None


@dataclass(frozen=True)
class Cancel:
    """Wish that a run ends."""

    reference: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Reject:
    """Refuse a run of somebody else."""

    reference: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Rerun:
    """Ask for the same again, with changes."""

    reference: str | None = None
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Runs:
    """List runs: `mine`, a status, a recipe, or a word to look for."""

    mine: bool = False
    statuses: frozenset[RunStatus] = frozenset()
    recipe: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Queue:
    """Show the machines and what waits."""


class MistypedError(InputError):
    """No command begins like this; `suggestion` is the whole sentence that would work, if any."""

    def __init__(self, message: str, suggestion: str | None) -> None:
        super().__init__(message)
        self.suggestions = ("help",) if suggestion is None else (suggestion,)


Command = (
    Help
    | Whoami
    | Train
    | About
    | Cancel
    | Reject
    | Rerun
    | Runs
    | Queue
    | ScheduleCommand
    | PromotionCommand
    | SweepCommand
)


def parse(text: str) -> Command:
    """Return the command. Raises `InputError` with the nearest one that would work."""
    words = _split(text)
    if not words:
        return Help(is_greeting=True)
    verb = words[0].lower().strip(",.!:")
    verb = SYNONYMS.get(verb, verb)
    if verb not in COMMANDS:
        raise _mistyped(words[0], text)
    if words[0].lower() in ("hi", "hello", "hey"):
        return Help(is_greeting=True)
    return PARSERS[verb](words[1:])


def _split(text: str) -> list[str]:
    """Split at spaces, keeping quoted parts whole; a lone quote is an ordinary character."""
    typed = text.strip().translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'"})
    try:
        return shlex.split(typed)
    except ValueError:
        return typed.split()


def _mistyped(word: str, text: str) -> MistypedError:
    near = nearest(word, [*COMMANDS, *SYNONYMS])
    if near is None:
        said = f"I do not know `{word[:40]}`. Try `help`, or `train` to ask for a run."
        return MistypedError(said, None)
    rest = text.strip()[len(word) :].strip()
    meant = f"{SYNONYMS.get(near, near)} {rest}".strip()[:80]
    return MistypedError(f"I do not know `{word[:40]}`. Did you mean `{meant}`?", meant)


def _train(words: list[str]) -> Command:
    recipe, rest = None, words
    if words and "=" not in words[0]:
        recipe, rest = words[0], words[1:]
        if recipe not in recipes() and nearest(recipe, list(recipes())) is None:
            known = ", ".join(f"`{name}`" for name in recipes())
            raise InputError(f"There is no recipe `{recipe[:40]}`. There are: {known}.")
    return Train(recipe, read_changes(rest, f"train {recipe or 'tiny-sft'}"))


def _about(verb: str) -> Callable[[list[str]], Command]:
    def read(words: list[str]) -> Command:
        if len(words) > 1:
            raise InputError(f"`{verb}` takes one run, for example `{COMMANDS[verb].example}`.")
        return About(verb, _reference(words))

    return read


def _reference(words: list[str]) -> str | None:
    return None if not words or words[0].lower() in LATEST else words[0].strip("`")


def _cancel(words: list[str]) -> Command:
    return Cancel(_reference(words), " ".join(words[1:]))


def _reject(words: list[str]) -> Command:
    return Reject(_reference(words), " ".join(words[1:]).removeprefix("because ").strip())


def _rerun(words: list[str]) -> Command:
    has_reference = bool(words) and "=" not in words[0]
    reference = _reference(words) if has_reference else None
    return Rerun(reference, read_changes(words[1:] if has_reference else words, "rerun last"))


def _runs(words: list[str]) -> Command:
    mine, statuses, recipe, text = False, set[RunStatus](), None, list[str]()
    for word in (w.lower() for w in words):
        status = _status(word)
        if word in ("mine", "my"):
            mine = True
        elif word in ("all", "running", "active"):
            statuses |= {s for s in RunStatus if word != "all" and not s.is_final}
        elif status is not None:
            statuses.add(status)
        elif word in recipes():
            recipe = word
        else:
            text.append(word)
    return Runs(mine, frozenset(statuses), recipe, " ".join(text) or None)


def _status(word: str) -> RunStatus | None:
    done = {"done": "succeeded", "stopped": "cancelled", "pending": "awaiting_approval"}
    word = done.get(word, word).replace("-", "_")
    return RunStatus(word) if word in set(RunStatus) else None


def _help(words: list[str]) -> Command:
    if not words:
        return Help()
    topic = SYNONYMS.get(words[0].lower(), words[0].lower())
    if topic not in COMMANDS:
        raise _mistyped(words[0], words[0])
    return Help(topic)


def _whoami(_: list[str]) -> Command:
    return Whoami()


PARSERS: Mapping[str, Callable[[list[str]], Command]] = {
    "help": _help,
    "whoami": _whoami,
    "train": _train,
    "status": _about("status"),
    "runs": _runs,
    "logs": _about("logs"),
    "metrics": _about("metrics"),
    "cancel": _cancel,
    "rerun": _rerun,
    "approve": _about("approve"),
    "reject": _reject,
    "queue": lambda _: Queue(),
    "schedule": parse_schedule,
    "promote": parse_promote,
    "models": parse_models,
    "undeploy": parse_undeploy,
    "sweep": parse_sweep,
}
