"""Curves in few numbers: smallest, largest and last value of each bucket, no extreme ever lost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Points = Sequence[tuple[int, float]]  # (step, value), steps rising, values finite


@dataclass(frozen=True)
class Grid:
    """`count` buckets of `width` steps each, from `first` to `last` (both inside)."""

    first: int
    last: int
    width: int
    count: int

    @property
    def ends(self) -> tuple[float, ...]:
        """Return the last step of each bucket: the x at which its last value stands."""
        return tuple(
            float(min(self.first + (at + 1) * self.width - 1, self.last))
            for at in range(self.count)
        )


@dataclass(frozen=True)
class Buckets:
    """One curve on a grid; a bucket without a point holds None in all four."""

    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    last: tuple[float | None, ...]
    smooth: tuple[float | None, ...]


def grid(first: int, last: int, buckets: int) -> Grid:
    """Return at most `buckets` buckets of equal whole width over the steps `first`..`last`."""
    span = last - first + 1
    width = max(1, math.ceil(span / max(1, buckets)))
    return Grid(first, last, width, max(0, math.ceil(span / width)))


def smoothed(values: Sequence[float], weight: float) -> Sequence[float]:
    """Return the exponential moving average, corrected for its start (arXiv:1412.6980, section 3).

    `weight` is that of the past, 0 (no smoothing) up to but not including 1.
    """
    if weight <= 0:
        return values
    past, scale = 0.0, 0.0
    means = []
    for value in values:
        past = weight * past + (1 - weight) * value
        scale = weight * scale + (1 - weight)
        means.append(past / scale)
    return means


def bucketed(points: Points, onto: Grid, smooth: float = 0.0) -> Buckets:
    """Return `points` on the grid; those outside it only take part in the smoothing."""
    count = onto.count
    low: list[float | None] = [None] * count
    high: list[float | None] = [None] * count
    last: list[float | None] = [None] * count
    mean: list[float | None] = [None] * count
    means = smoothed([value for _, value in points], smooth)
    for (step, value), average in zip(points, means, strict=True):
        if not onto.first <= step <= onto.last:
            continue
        at = (step - onto.first) // onto.width
        lowest, highest = low[at], high[at]
        if lowest is None or value < lowest:
            low[at] = value
        if highest is None or value > highest:
            high[at] = value
        last[at] = value
        mean[at] = average
    return Buckets(tuple(low), tuple(high), tuple(last), tuple(mean))


def thinned(points: Points, most: int) -> Points:
    """Return at most `most` (4 or more) of the points: first, last, and each bucket's extremes."""
    if len(points) <= most:
        return points
    pieces = (most - 2) // 2
    inner = range(1, len(points) - 1)
    cuts = [1 + len(inner) * piece // pieces for piece in range(pieces + 1)]
    kept = {0, len(points) - 1}
    for start, end in pairwise(cuts):
        piece_range = range(start, end)
        kept.add(min(piece_range, key=lambda at: points[at][1]))
        kept.add(max(piece_range, key=lambda at: points[at][1]))
    return [points[at] for at in sorted(kept)]
