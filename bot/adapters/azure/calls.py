"""Blocking SDK calls in bounded threads, each with a time limit, and the pauses of services."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.adapters.azure.faults import (
    TokenRefusedError,
    UntakenError,
    retry_after_s,
    utc_now,
    wrapped,
)
from bot.errors import UnavailableError

T = TypeVar("T")

TIMEOUT_S = 30.0
THREADS = 8
_PAUSE_WITHOUT_A_WORD_S = 5.0  # after a 429 that does not say how long
_RENEW_EVERY_S = 60.0  # a token that is refused again and again is no old token


class Gate:
    """Keeps one service from being asked until the pause that it wished for is over.

    Azure DevOps slows a caller down in a 200 with `Retry-After` before it refuses with 429:
    https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
    """

    def __init__(self, service: str, now: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._now = now
        self._until = 0.0
        self._lock = threading.Lock()

    def heed(self, status: int, headers: Mapping[str, str]) -> None:
        """Note what an answer says about pauses; from any thread."""
        wait = retry_after_s(headers, utc_now())
        if wait is None and status == 429:
            wait = _PAUSE_WITHOUT_A_WORD_S
        # A long-running operation answers 201 or 202 with Retry-After: that is its own pace.
        if wait and status not in (201, 202):
            with self._lock:
                self._until = max(self._until, self._now() + wait)

    @property
    def held_s(self) -> float:
        """Return how many seconds the pause still takes; 0 when there is none."""
        return max(self._until - self._now(), 0.0)

    def check(self) -> None:
        """Return when the service may be asked; raise `UntakenError` while it may not."""
        held_s = self.held_s
        if held_s > 0:
            raise UntakenError(
                f"{self.service} asked for a pause; the bot asks again in {held_s:.0f} s."
            )


class Calls:
    """Runs blocking calls to one service, as one identity. Repeats nothing by itself."""

    def __init__(
        self, gate: Gate, who: str, *, threads: int = THREADS, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.gate, self.who, self.timeout_s = gate, who, timeout_s
        self._renewed_at = float("-inf")
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=gate.service)

    @property
    def read_s(self) -> float:
        """Return how long a call may wait for bytes, so that it ends before it is given up."""
        return self.timeout_s * 2 / 3

    async def run(self, doing: str, call: Callable[[], T], *, timeout_s: float | None = None) -> T:
        """Return what `call` returns, or raise the `BotError` for what it raises.

        `doing` reads after "could not": "look for the run". A call that takes too long is left to
        itself: its effect may still come, so the error is `UnavailableError` and never
        `UntakenError`.
        """
        self.gate.check()
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        ticket = threading.Lock()  # for whoever comes first: the thread that begins, or the timeout
        job = asyncio.get_running_loop().run_in_executor(self._pool, _with(ticket, call))
        try:
            async with asyncio.timeout(limit_s):
                return await job
        except TimeoutError as error:
            kind = UntakenError if ticket.acquire(blocking=False) else UnavailableError
            raise kind(
                f"{self.gate.service} did not answer within {limit_s:.0f} s: could not {doing}."
            ) from error
        except Exception as error:
            raise wrapped(error, doing, self.gate.service, self.who) from error

    async def run_renewing(
        self, doing: str, call: Callable[[], T], forget: Callable[[], None]
    ) -> T:
        """Do what `run` does. A token that is refused is dropped by `forget`.

        The call is then repeated, once: at the door nothing was taken.
        """
        try:
            return await self.run(doing, call)
        except TokenRefusedError:
            if time.monotonic() - self._renewed_at < _RENEW_EVERY_S:
                raise
            self._renewed_at = time.monotonic()
            forget()
            return await self.run(doing, call)

    def close(self) -> None:
        """Let go of the threads; calls that nobody waits for any more end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _with(ticket: threading.Lock, call: Callable[[], T]) -> Callable[[], T]:
    def begin() -> T:
        if not ticket.acquire(blocking=False):
            raise TimeoutError
        return call()

    return begin
