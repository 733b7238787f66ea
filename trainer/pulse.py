"""Notice when another process of the run dies or fails, and end with its reason, not hang.

gloo and NCCL wait for a machine that was switched off as long as for one that computes. So each
process writes a beat into the store that they met at. The first one looks at all beats and tells
the others when one is missing; they look at the first one's.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from torch import distributed

from trainer.context import Context
from trainer.contract.failure import Failure
from trainer.errors import PeerLostError, TrainerError, failure_of
from trainer.group import join, leave
from trainer.processes import Seat

# How long a process may be silent. A thread of its own beats, so that only a machine that is gone,
# frozen or starved is silent; loading a library can hold Python's lock for some seconds.
PATIENCE = "KRSP_PEER_PATIENCE_S"
PATIENCE_S = 60.0
BEATS_IN_PATIENCE = 12
# What the main thread gets to end by itself, since its error then has a trace in the log.
GRACE = 1 / 6  # of the patience
REASON_S = 3.0  # A failing process needs that long to say why.
LEFT, FAILED, LOST = "left", "failed:", "lost"
# How gloo and NCCL, in the versions that we run with, begin what they say of a broken connection.
_SIGNS = ("gloo", "NCCL", "Connection reset by peer", "Connection closed by peer", "TCPStore")


@contextlib.contextmanager
def together(context: Context, env: Mapping[str, str]) -> Iterator[None]:
    """Join the run's other processes for as long as this lasts; alone, nothing happens.

    Raises `PeerLostError` instead of what a library says when a connection breaks.
    """
    if context.ranks == 1:
        yield
        return
    patience_s = float(env.get(PATIENCE, PATIENCE_S))
    store: Any = join(context.seat, env)  # torch's types leave out `clone`.
    pulse = Pulse(store.clone(), context.seat, patience_s=patience_s, end=context.progress.fail)
    pulse.start()
    try:
        yield
    except Exception as error:
        reason = pulse.reason_of(error)
        pulse.say(FAILED + failure_of(reason or error).model_dump_json())
        pulse.stop()
        if reason is not None:
            raise reason from error
        raise
    pulse.say(LEFT)
    pulse.stop()
    leave()


class Pulse:
    """The beat of one process, and what it knows of the others; `end` hears of a failure last."""

    def __init__(
        self,
        store: Any,
        seat: Seat,
        *,
        patience_s: float,
        end: Callable[[Failure], None],
    ) -> None:
        self._store, self._seat, self._patience_s, self._end = store, seat, patience_s, end
        store.set_timeout(timedelta(seconds=patience_s))
        self._watched = range(1, seat.ranks) if seat.is_first else [0]
        self._seen: dict[int, tuple[str, float]] = {}  # rank -> its beat, and since when
        self._lost: PeerLostError | None = None
        self._word: str | None = None  # the last one, after which there are no beats
        self._turn_at = time.monotonic()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to beat and to listen, once all processes have met."""
        self._store.set(_key(self._seat.rank), "0")
        distributed.barrier()
        self._turn_at = time.monotonic()
        # A store whose machine is frozen never answers: one asks it, another looks at the clock.
        for work in (self._beat, self._watch):
            threading.Thread(target=work, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """Stop both, so that this process may end."""
        self._stopped.set()

    def say(self, word: str) -> None:
        """Write this process's last word instead of a beat; the store may be gone by then."""
        self._word = word
        with contextlib.suppress(RuntimeError):
            self._store.set(_key(self._seat.rank), word)

    def reason_of(self, error: Exception) -> PeerLostError | None:
        """Return why a connection broke, if that is what `error` says."""
        if isinstance(error, TrainerError) or not any(sign in str(error) for sign in _SIGNS):
            return None
        until = time.monotonic() + REASON_S
        while time.monotonic() < until:
            try:
                found = self._last_words()
            except RuntimeError:  # The first process, which kept the store, is gone.
                break
            if found is not None:
                return found
            time.sleep(0.1)
        return self._gone("Another" if self._seat.is_first else "The first")

    def _beat(self) -> None:
        count = 0
        while self._lost is None and not self._stopped.wait(self._patience_s / BEATS_IN_PATIENCE):
            count += 1
            try:
                self._store.set(_key(self._seat.rank), self._word or str(count))
                lost = self._last_words() or self._silent()
            except RuntimeError:
                lost = self._gone("The first")
            self._lose(lost)
            self._turn_at = time.monotonic()
        if self._lost is not None and self._seat.is_first:
            with contextlib.suppress(RuntimeError):
                self._store.set(LOST, self._lost.failure().model_dump_json())

    def _watch(self) -> None:
        """End the process where the main thread does not: it waits for what never comes."""
        while self._lost is None and not self._stopped.wait(self._patience_s / BEATS_IN_PATIENCE):
            if time.monotonic() - self._turn_at > self._patience_s:
                self._lose(self._gone("The first"))
        if not self._stopped.wait(GRACE * self._patience_s):
            assert self._lost is not None
            self._end(self._lost.failure())
            os._exit(self._lost.exit_code)

    def _lose(self, lost: PeerLostError | None) -> None:
        if self._lost is None:  # The other thread may have been faster.
            self._lost = lost

    def _last_words(self) -> PeerLostError | None:
        """Return another process's failure, if it could say it."""
        for rank in self._watched:
            beat = self._store.get(_key(rank)).decode()
            if beat.startswith(FAILED):
                return self._failed(rank, Failure.model_validate_json(beat.removeprefix(FAILED)))
        if self._store.check([LOST]) and not self._seat.is_first:
            failure = Failure.model_validate_json(self._store.get(LOST))
            return PeerLostError(failure.message, remedy=failure.remedy, cause=failure.kind)
        return None

    def _silent(self) -> PeerLostError | None:
        """Return that a process has not beaten for too long, if one has not."""
        now = time.monotonic()
        for rank in self._watched:
            beat = self._store.get(_key(rank)).decode()
            before, since = self._seen.get(rank, ("", now))
            if beat != before:
                self._seen[rank] = (beat, now)
            elif beat != LEFT and now - since > self._patience_s:
                return self._gone(f"Number {rank}")
        return None

    def _failed(self, rank: int, failure: Failure) -> PeerLostError:
        where = f"Process {rank} of {self._seat.ranks} (counted from 0) failed"
        message = f"{where}: {failure.message}"
        return PeerLostError(message, remedy=failure.remedy, cause=failure.kind)

    def _gone(self, who: str) -> PeerLostError:
        return PeerLostError(
            f"{who} of the run's {self._seat.ranks} processes has gone without a word: its machine "
            "was taken away, or it ran out of memory and was killed.",
            remedy="Start it again with the same output folder: it goes on from its newest "
            "checkpoint. If it ends there again, lower batch.micro_tokens.",
        )


def _key(rank: int) -> str:
    return f"beat/{rank}"
