"""Where the values of a sweep's trials come from."""

from typing import Protocol

from trainer.contract.sweep import Point, SweepSpec


class Sampler(Protocol):
    """Draws points; the same sweep always gets the same ones."""

    def points(self, sweep: SweepSpec) -> tuple[Point, ...]:
        """Return the values of each trial, no two alike; fewer where there are no more."""
