"""What operators measure: requests, durations, and gauges that others hand in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)


@dataclass(frozen=True)
class Reading:
    """A gauge that is read when `/metrics` is asked; `read` gives its value for each label."""

    name: str  # without the prefix `krsp_`
    help: str
    label: str
    read: Callable[[], Awaitable[Mapping[str, float]]]


class Telemetry:
    """The numbers of one process; each instance has a registry of its own."""

    def __init__(self, readings: Sequence[Reading] = ()) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "krsp_http_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "krsp_http_request_seconds",
            "Time to answer, event streams left out.",
            ("method", "route"),
            registry=self._registry,
        )
        self._gauges: dict[str, Gauge] = {}
        self._readings = list(readings)

    def add(self, *readings: Reading) -> None:
        """Show more gauges from now on."""
        self._readings.extend(readings)

    def count(self, method: str, route: str, status: int) -> None:
        """Note one answer."""
        self._requests.labels(method, route, str(status)).inc()

    def time(self, method: str, route: str, seconds: float) -> None:
        """Note how long one answer took."""
        self._seconds.labels(method, route).observe(seconds)

    async def text(self) -> bytes:
        """Return all numbers in Prometheus' text format 0.0.4."""
        for reading in self._readings:
            gauge = self._gauge(reading)
            gauge.clear()
            for label, value in (await reading.read()).items():
                gauge.labels(label).set(value)
        return generate_latest(self._registry)

    def _gauge(self, reading: Reading) -> Gauge:
        name = f"krsp_{reading.name}"
        if name not in self._gauges:
            self._gauges[name] = Gauge(
                name, reading.help, (reading.label,), registry=self._registry
            )
        return self._gauges[name]
