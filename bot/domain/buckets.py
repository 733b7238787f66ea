"""Curves in few numbers: smallest, largest and last value of each bucket, no extreme ever lost."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A longer memory than 1,000 points says nothing more, and 1 itself would divide by zero.
MOST_SMOOTH = 0.999


@dataclass(frozen=True)
class Curve:
    """One metric: `values[i]`, finite, at `steps[i]`; steps rise strictly."""

    steps: Sequence[int]
    values: Sequence[float]

    def count(self, first: int, last: int) -> int:
        """Return how many points lie within the steps `first`..`last`."""
        return max(0, bisect_right(self.steps, last) - bisect_left(self.steps, first))


@dataclass(frozen=True)
class Grid:
    """`count` buckets of `width` steps each, from `first` to `last` (both inside)."""

    first: int
    last: int
    width: int
    count: int

    @property
    def ends(self) -> tuple[float, ...]:
        """Return the last step of each bucket: the x at which its last value is drawn."""
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
    span = max(0, last - first + 1)
    width = max(1, math.ceil(span / max(1, buckets)))
    return Grid(first, last, width, math.ceil(span / width))


def smoothed(values: Sequence[float], weight: float) -> Sequence[float]:
    """Return the exponential moving average, corrected for its start (arXiv:1412.6980, section 3).

    `weight` is that of the past: 0 smooths nothing, 1 is taken as `MOST_SMOOTH`.
    """
    if weight <= 0:
        return values
    weight = min(weight, MOST_SMOOTH)
    past, scale = 0.0, 0.0
    means = []
    for value in values:
        past = weight * past + (1 - weight) * value
        scale = weight * scale + (1 - weight)
        means.append(past / scale)
    return means


def trend(curve: Curve, most: int) -> Curve:
    """Return where the curve goes, in at most `most` points, for a chart too small for its noise.

    Averaged over about the distance of two points: a spike is for the page, which keeps each.
    """
    count = len(curve.steps)
    if count <= most:
        return curve
    means = smoothed(curve.values, 1 - most / count)
    places = [round(point * (count - 1) / (most - 1)) for point in range(most)]
    return Curve([curve.steps[at] for at in places], [means[at] for at in places])


def bucketed(curve: Curve, onto: Grid, smooth: float = 0.0) -> Buckets:
    """Return the curve on the grid; points outside it only take part in the smoothing."""
    means = smoothed(curve.values, smooth)
    rows: list[tuple[float | None, float | None, float | None, float | None]] = []
    start = bisect_left(curve.steps, onto.first)
    for end_step in onto.ends:
        end = bisect_right(curve.steps, end_step, lo=start)
        if start == end:
            rows.append((None, None, None, None))
            continue
        inside = curve.values[start:end]
        rows.append((min(inside), max(inside), inside[-1], means[end - 1]))
        start = end
    low, high, last, mean = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Buckets(tuple(low), tuple(high), tuple(last), tuple(mean))


def thinned(curve: Curve, most: int) -> Curve:
    """Return at most `most` (4 or more) points of it: first, last, and each piece's extremes."""
    count = len(curve.steps)
    if count <= most:
        return curve
    pieces = (most - 2) // 2
    cuts = [1 + (count - 2) * piece // pieces for piece in range(pieces + 1)]
    kept = {0, count - 1}
    for start, end in pairwise(cuts):
        inside = range(start, end)
        kept.add(min(inside, key=curve.values.__getitem__))
        kept.add(max(inside, key=curve.values.__getitem__))
    places = sorted(kept)
    return Curve([curve.steps[at] for at in places], [curve.values[at] for at in places])
