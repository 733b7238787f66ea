"""Rate limits: so many units per identity in a sliding window; then delayed, then refused.

Source: learn.microsoft.com/azure/devops/integrate/concepts/rate-limits (200 TSTU in 5 minutes;
a delayed answer is 200 with Retry-After, a blocked one 429; both with X-RateLimit-*).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.azure_twin.devops.answers import RefusalError

LIMIT, WINDOW_S = 200.0, 300.0
RESOURCE = "Core"
BLOCKED_AT = 2.0  # times the limit: between it and this, answers are only delayed


@dataclass
class Throttle:
    """`cost` is what a request takes in units; 0 limits nobody."""

    now: Callable[[], float]
    cost: float = 0.0
    limit: float = LIMIT
    window_s: float = WINDOW_S
    delay_s: float = 1.0
    _used: dict[str, deque[float]] = field(default_factory=dict)

    async def admit(self, who: str) -> dict[str, str]:
        """Count a request; return the headers of its answer, late if need be, or raise 429."""
        if self.cost <= 0:
            return {}
        times = self._used.setdefault(who, deque())
        now = self.now()
        while times and times[0] <= now - self.window_s:
            times.popleft()
        times.append(now)
        share = len(times) * self.cost / self.limit
        if share <= 1:
            return {}
        headers = self._headers(times, share)
        if share > BLOCKED_AT:
            raise BlockedError(headers)
        await asyncio.sleep(self.delay_s)
        return headers

    def _headers(self, times: deque[float], share: float) -> dict[str, str]:
        reset = times[0] + self.window_s
        wait = max(1, round(reset - self.now())) if share > BLOCKED_AT else round(self.delay_s)
        return {
            "Retry-After": str(max(1, wait)),
            "X-RateLimit-Resource": RESOURCE,
            "X-RateLimit-Delay": f"{self.delay_s:g}",
            "X-RateLimit-Limit": f"{self.limit:g}",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(round(reset)),
        }


class BlockedError(RefusalError):
    """Too much was asked: 429."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(
            429,
            "Microsoft.TeamFoundation.Framework.Server.RequestBlockedException",
            "TF400733: The request has been canceled: Request was blocked due to exceeding usage "
            f"of resource '{RESOURCE}' in namespace 'User'. For more information on why your "
            'request was blocked, see the topic "Rate limits" on the Microsoft Web site '
            "(https://go.microsoft.com/fwlink/?LinkId=823950).",
        )
        self.headers = headers

    def answer(self) -> web.Response:
        found = super().answer()
        found.headers.update(self.headers)
        return found
