"""Logging commands: `##vso[area.action key=value;...]message` in a step's output.

Source: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_OPEN = "##vso["
_ESCAPES = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%AZP25", "%"))

# What a step may still order under `target: commands: restricted`.
RESTRICTED = frozenset(
    {
        "task.complete",
        "task.debug",
        "task.logdetail",
        "task.logissue",
        "task.setprogress",
        "task.setsecret",
        "task.setvariable",
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """One order of a step to the agent; keys are lower-case."""

    name: str
    properties: Mapping[str, str]
    message: str

    def flag(self, key: str) -> bool:
        """Return whether the property is `true`."""
        return self.properties.get(key.lower(), "").lower() == "true"


def command(line: str) -> Command | None:
    """Return the command in `line`, wherever it begins; None when it holds none."""
    start = line.find(_OPEN)
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, properties = line[start + len(_OPEN) : end].strip().partition(" ")
    if "." not in name:
        return None
    pairs = (pair.partition("=") for pair in properties.split(";"))
    values = {key.strip().lower(): _unescaped(value) for key, _, value in pairs if key.strip()}
    return Command(name.lower(), values, _unescaped(line[end + 1 :]))


def _unescaped(text: str) -> str:
    for code, sign in _ESCAPES:
        text = text.replace(code, sign)
    return text
