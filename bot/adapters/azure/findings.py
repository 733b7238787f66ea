"""What `python -m bot doctor` finds: how a probe's answer or failure becomes a line."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import BotError


class Level(StrEnum):
    """How bad a finding is; only a fault keeps the bot from doing its work."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: a sentence, and what to do where something is to do."""

    level: Level
    about: str
    sentence: str
    remedy: str = ""

    def line(self) -> str:
        """Return it for a terminal."""
        tail = f" {self.remedy}" if self.remedy else ""
        return f"{self.level:<8} {self.about}: {self.sentence}{tail}"


Probe = Callable[[], Awaitable[Sequence[Finding]]]


def ok(about: str, sentence: str) -> Finding:
    """Return a good finding."""
    return Finding(Level.OK, about, sentence)


def warning(about: str, sentence: str, remedy: str = "") -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(Level.WARNING, about, sentence, remedy)


def fault(about: str, sentence: str, remedy: str = "") -> Finding:
    """Return a finding that must be put right."""
    return Finding(Level.FAULT, about, sentence, remedy)


async def examined(about: str, probe: Probe, look: str = "") -> Sequence[Finding]:
    """Return what a probe finds. With `look`, one that cannot read tells how to look by hand."""
    try:
        return await probe()
    except BotError as error:
        if look:
            return [warning(about, f"It could not be read. {error}", look)]
        return [fault(about, str(error))]


def has_fault(findings: Iterable[Finding]) -> bool:
    """Return whether anything must be put right."""
    return any(finding.level is Level.FAULT for finding in findings)
