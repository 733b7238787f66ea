"""Settings as people type them, `key=value`, `on data/x.jsonl`, and words for the newest run."""

import re
from collections.abc import Sequence

from bot.errors import InputError

LATEST = ("last", "latest", "it")  # "the newest run that you asked for"


def read_changes(words: Sequence[str], before: str) -> dict[str, str]:
    """Read `key=value`; `on X` means data, `with` and `and` mean nothing.

    `before` begins the example in a refusal.
    """
    changes: dict[str, str] = {}
    rest = [word for word in words if word.lower() not in ("with", "and", ",")]
    while rest:
        word = rest.pop(0).rstrip(",")
        if word.lower() == "on" and rest:
            changes["data"] = rest.pop(0)
            continue
        found = re.fullmatch(r"([A-Za-z_][\w.]*)\s*[=]\s*(.+)", word, re.DOTALL)
        if found is None:
            raise InputError(
                f"I cannot read `{word[:60]}`: write settings as `key=value`, "
                f"for example `{before} lr=2e-4 steps=50`."
            )
        key, value = found.groups()
        if key in changes:
            raise InputError(f"`{key}` stands there twice ({changes[key]} and {value}); keep one.")
        changes[key] = value
    return changes
