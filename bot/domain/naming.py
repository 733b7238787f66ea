"""Run ids: `run-<date>-<6 base32>`, the one name that pipeline, job and lineage share."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from difflib import get_close_matches

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 base32, lower case
RUN_ID = re.compile(r"run-\d{8}-[a-z2-7]{6}")


def mint_run_id(now: datetime, choose: Callable[[str], str]) -> str:
    """Return a new run id; `choose` picks one character (`secrets.choice`)."""
    return f"run-{now:%Y%m%d}-{''.join(choose(ALPHABET) for _ in range(6))}"


def is_run_id(text: str) -> bool:
    """Return whether `text` has the form of a run id."""
    return RUN_ID.fullmatch(text) is not None


def nearest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word most like `word`, if any is near."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None
