"""What starts a pipeline by itself: a push that its trigger names, a minute of its schedules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from cronsim import CronSim

from bot.adapters.local.interpreter.shape import boolean, mapping, sequence, text, texts
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar
from bot.adapters.local.interpreter.source import Sequence as Listed

HEADS = "refs/heads/"


@dataclass(frozen=True)
class Filter:
    """Names that are let in and kept out; nothing let in by name lets everything in."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def lets(self, name: str) -> bool:
        included = not self.include or any(_matches(name, each) for each in self.include)
        return included and not any(_matches(name, each) for each in self.exclude)


@dataclass(frozen=True)
class Schedule:
    cron: str
    branches: Filter
    always: bool
    name: str


def is_pushed(document: Mapping, branch: str, paths: Sequence[str]) -> bool:
    """Return whether a push that changed `paths` on `branch` starts the pipeline."""
    node = document.get("trigger")
    short = branch.removeprefix(HEADS)
    if node is None:
        return True  # without a trigger every push on every branch starts it, as on Azure
    if isinstance(node, Scalar):
        return node.text.lower() != "none" and (not node.text or _matches(short, node.text))
    if isinstance(node, Listed):
        names = tuple(item.text for item in node.items if isinstance(item, Scalar))
        return Filter(names).lets(short)
    by_path = _filter(node.get("paths"))
    return _filter(node.get("branches")).lets(short) and any(by_path.lets(p) for p in paths)


def schedules(document: Mapping) -> Iterator[Schedule]:
    """Yield what stands under `schedules:`."""
    node = document.get("schedules")
    for item in sequence(node, "schedules").items if node is not None else ():
        entry = mapping(item, "a schedule")
        yield Schedule(
            text(entry, "cron"),
            _filter(entry.get("branches")),
            boolean(entry, "always", default=False),
            text(entry, "displayName"),
        )


def is_due(cron: str, minute: datetime) -> bool:
    """Return whether `cron` names the minute (UTC)."""
    start = minute.replace(second=0, microsecond=0)
    return next(CronSim(cron, start - timedelta(minutes=1))) == start


def _filter(node: Node | None) -> Filter:
    if node is None:
        return Filter()
    if isinstance(node, Listed):
        return Filter(tuple(item.text for item in node.items if isinstance(item, Scalar)))
    entry = mapping(node, "a filter")
    return Filter(texts(entry, "include"), texts(entry, "exclude"))


def _matches(name: str, pattern: str) -> bool:
    """Compare a branch or path with a pattern; one that names a folder names all below it."""
    pattern = pattern.removeprefix(HEADS).removeprefix("/")
    return fnmatchcase(name, pattern) or name.startswith(pattern.rstrip("/*") + "/")
