"""How fast the bot may speak: the channel's limits, kept before it has to refuse.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limit:
    """At most `count` operations within any `seconds`."""

    count: int
    seconds: float


PER_THREAD = (Limit(7, 1), Limit(8, 2), Limit(60, 30), Limit(1800, 3600))
PER_TENANT = (Limit(50, 1),)


class Meter:
    """Counts operations against limits; the times come from the caller."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._times: deque[datetime] = deque(maxlen=max(limit.count for limit in limits))

    def wait_s(self, now: datetime) -> float:
        """Return the seconds until one more operation keeps every limit; 0 when it may go now."""
        waits = [0.0]
        for limit in self._limits:
            if len(self._times) >= limit.count:
                oldest = self._times[-limit.count]
                free_at = oldest + timedelta(seconds=limit.seconds)
                waits.append((free_at - now).total_seconds())
        return max(waits)

    def note(self, now: datetime) -> None:
        """Count one operation."""
        self._times.append(now)

    def is_idle(self, now: datetime) -> bool:
        """Return whether nothing that was counted matters any more."""
        longest = max(limit.seconds for limit in self._limits)
        return not self._times or (now - self._times[-1]).total_seconds() > longest
