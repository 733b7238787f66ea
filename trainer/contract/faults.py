"""Say all that is wrong with a spec at once, each fault with its place and a plain sentence."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError
from typing_extensions import override

from trainer.contract.spec import NAME_PATTERN

# What `NAME_PATTERN` demands, for people who do not read regular expressions.
NAME_RULE = (
    "must begin with a lower-case letter or digit and hold only those, `.`, `_` and `-`, "
    "at most 48 in all"
)


@dataclass(frozen=True)
class Fault:
    """One thing wrong: `loc` is the dotted path in the spec (`optim.lr`), "" for the whole."""

    loc: str
    msg: str

    @override
    def __str__(self) -> str:
        return f"{self.loc}: {self.msg}" if self.loc else self.msg


class SpecError(Exception):
    """A spec, recipe or override cannot be used; `faults` names everything wrong with it."""

    code, exit_code, is_bug = "bad_spec", 2, False

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Return pydantic's findings as faults, in words for a person and with the value refused."""
    return tuple(
        Fault(".".join(str(part) for part in found["loc"]), _sentence(found["msg"], found["input"]))
        for found in error.errors(include_url=False)
    )


def _sentence(message: str, value: object) -> str:
    text = message.removeprefix("Value error, ").replace("Input should be", "must be")
    if message == f"String should match pattern '{NAME_PATTERN}'":
        text = NAME_RULE
    shown = repr(value)
    simple = isinstance(value, str | int | float | bool) and len(shown) <= 60
    if message.startswith("Value error") or not simple:
        return text
    return f"{text} (got {shown})"
