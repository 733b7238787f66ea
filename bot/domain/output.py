"""What is read of a run: curves in buckets, lines of its log, how far its files have grown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Marks:
    """How far a run's live files have grown: cheap to compare, so that watchers look only then."""

    progress_bytes: int
    log_bytes: int


@dataclass(frozen=True)
class MetricsQuery:
    """Which part of which curves; `smooth` is the moving average's weight of the past (0..1)."""

    keys: tuple[str, ...] = ()  # empty: all
    first_step: int | None = None
    last_step: int | None = None
    buckets: int = 1000
    smooth: float = 0.0


@dataclass(frozen=True)
class Series:
    """One metric on the shared x grid: smallest, largest, last and smoothed value of each bucket.

    Buckets without a point hold None in all four.
    """

    key: str
    unit: str
    points: int
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    last: tuple[float | None, ...]
    smooth: tuple[float | None, ...]


@dataclass(frozen=True)
class Mark:
    """Something to draw across the curves: a checkpoint, a resume, an evaluation."""

    step: int
    kind: str
    text: str


@dataclass(frozen=True)
class Metrics:
    """Curves on one shared grid of steps, with how many points there are in truth."""

    steps: tuple[float, ...]
    series: tuple[Series, ...]
    marks: tuple[Mark, ...]
    points: int
    first_step: int
    last_step: int


@dataclass(frozen=True)
class LogLines:
    """Lines `first`.. (counted from 1) of a log that has `total` lines so far, redacted."""

    lines: tuple[str, ...]
    first: int
    total: int


@dataclass(frozen=True)
class LogHits:
    """Line numbers that hold a text, in order; `total` may exceed what is listed."""

    numbers: tuple[int, ...]
    total: int
