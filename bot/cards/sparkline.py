"""A curve as one line of text, for clients and terminals that draw no charts."""

import math
from collections.abc import Sequence
from itertools import pairwise

from bot.domain.run import Point

_BARS = "▁▂▃▄▅▆▇█"


def finite(curve: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points that can be drawn; a diverged run has losses that are no numbers."""
    return tuple(point for point in curve if math.isfinite(point.value))


def sparkline(curve: Sequence[Point], width: int = 24) -> str:
    """Return at most `width` bars from the lowest to the highest value; empty without a curve."""
    values = [point.value for point in finite(curve)]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    columns = _columns(values, min(width, len(values)))
    return "".join(_BARS[min(7, int((value - low) / span * 8))] for value in columns)


def _columns(values: Sequence[float], width: int) -> list[float]:
    edges = [index * len(values) // width for index in range(width + 1)]
    parts = [values[start:end] for start, end in pairwise(edges)]
    return [sum(part) / len(part) for part in parts]
