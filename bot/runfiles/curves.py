"""The answer to a question about a run's metrics: its curves on one shared grid."""

from bot.domain.buckets import Curve, Grid, bucketed, grid
from bot.ports import Metrics, MetricsQuery, Series
from bot.runfiles.history import UNITS, History

NO_METRICS = Metrics((), (), (), 0, 0, 0)
MOST_BUCKETS = 10_000


def metrics(history: History, query: MetricsQuery) -> Metrics:
    """Return the part of the curves that was asked for.

    The grid spans the steps of all curves, also of those not asked for, so that answers about
    different keys can be laid over each other.
    """
    curves = {key: growing.curve for key, growing in history.curves.items() if growing.steps}
    if not curves:
        return NO_METRICS
    low = min(curve.steps[0] for curve in curves.values())
    high = max(curve.steps[-1] for curve in curves.values())
    first = low if query.first_step is None else max(low, query.first_step)
    last = high if query.last_step is None else min(high, query.last_step)
    onto = grid(first, last, min(query.buckets, MOST_BUCKETS))
    wanted = (key for key in curves if not query.keys or key in query.keys)
    series = tuple(_series(key, curves[key], onto, query.smooth) for key in wanted)
    return Metrics(
        steps=onto.ends,
        series=series,
        marks=tuple(mark for mark in history.marks if first <= mark.step <= last),
        points=sum(one.points for one in series),
        first_step=first,
        last_step=last,
    )


def _series(key: str, curve: Curve, onto: Grid, smooth: float) -> Series:
    parts = bucketed(curve, onto, smooth)
    return Series(
        key=key,
        unit=UNITS.get(key, ""),
        points=curve.count(onto.first, onto.last),
        low=parts.low,
        high=parts.high,
        last=parts.last,
        smooth=parts.smooth,
    )
