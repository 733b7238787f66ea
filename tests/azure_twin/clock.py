"""The twin's time: the machine's, plus what a test has added."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass
class Clock:
    """Tell the time of the twin's services; `advance` lets tokens expire without waiting."""

    ahead_s: float = 0.0

    def seconds(self) -> float:
        return time.time() + self.ahead_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)

    def stamp(self) -> str:
        """Return the time as ARM writes it."""
        return self.now().isoformat(timespec="microseconds").replace("+00:00", "Z")

    def advance(self, seconds: float) -> None:
        self.ahead_s += seconds
