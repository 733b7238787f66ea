"""Wait for a condition, with a limit: no test sleeps for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(look: Callable[[], Value], *, within_s: float = 30, every_s: float = 0.05) -> Value:
    """Return the first true value of `look`; a last look after the time is up raises."""
    ends = time.monotonic() + within_s
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"Not within {within_s} s: the last value was {value!r}.")
        time.sleep(every_s)
