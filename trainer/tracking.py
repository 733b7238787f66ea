"""Send metrics and lineage to MLflow beside the training, never in its way.

A synchronous metric costs 4.6 ms, and Azure ML answers 429 to more than a few calls a second. So
a thread of its own sends windows of at most `WINDOW_METRICS`. A window that could not be sent waits
for the next one, and all go in their order once the store answers again; that it is away is said
once. Nothing that goes wrong there ends the run, or lets its memory grow without an end.
"""

import importlib
import logging
import os
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal, Protocol

from trainer.contract.progress import EvalLine, ProgressLine, StepLine, curve_of
from trainer.contract.spec import RunSpec
from trainer.lineage import Lineage

log = logging.getLogger(__name__)

End = Literal["FINISHED", "FAILED", "KILLED"]
WINDOW_S = 5.0
WINDOW_METRICS = 20
STEP_METRICS = ("loss", "lr", "grad_norm", "tokens_per_s")
# They move slowly: once a window is enough, and leaves room for steps.
SLOW_METRICS = ("tokens", "epoch", "mfu", "memory_gb", "peak_memory_gb")
# How long the end of a run waits for its last window.
FINISH_S = 30.0
# What may wait while the store is away: windows of two hours, and the lines of a call that hangs.
WAITING_WINDOWS, WAITING_LINES = 1440, 20_000


@dataclass(frozen=True)
class Point:
    """One value of one metric; `at_ms` in Unix milliseconds."""

    name: str
    value: float
    step: int
    at_ms: int


class Store(Protocol):
    """Where a run is recorded. Each method may raise anything; the run goes on without it."""

    def begin(self) -> str:
        """Find the run by our run id, or create it; return the store's own id."""

    def points(self, window: list[Point]) -> None:
        """Add a window of metrics."""

    def end(self, status: End) -> None:
        """Close the run."""


def is_workspace(uri: str) -> bool:
    """Return whether MLflow's store is an Azure ML workspace: there the job is the run already."""
    return uri.startswith("azureml:") or ".api.azureml.ms/" in uri


class Tracker:
    """Hands lines to a store in a thread. `take` never blocks and never raises."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        window_s: float = WINDOW_S,
        finish_s: float = FINISH_S,
    ) -> None:
        self._store, self._window_s, self._finish_s = store, window_s, finish_s
        self._waiting: deque[list[Point]] = deque(maxlen=WAITING_WINDOWS)
        self._is_away = False
        self._open: tuple[str, RunSpec, Lineage, int] | None = None
        self._queue: queue.SimpleQueue[ProgressLine | End] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self.run_id: str | None = None

    @classmethod
    def of_mlflow(
        cls, uri: str, spec: RunSpec, lineage: Lineage, *, job_attempt: int = 1
    ) -> "Tracker":
        """Return a tracker that loads MLflow (1.5 s) in its own thread."""
        tracker = cls()
        tracker._open = (uri, spec, lineage, job_attempt)
        return tracker

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def take(self, line: ProgressLine) -> None:
        """Queue a line; only steps and evaluations are metrics.

        Steps are left out while a call to the store hangs and too many wait already.
        """
        has_room = self._queue.qsize() < WAITING_LINES
        if isinstance(line, EvalLine) or (isinstance(line, StepLine) and has_room):
            self._queue.put(line)

    def finish(self, status: End) -> str | None:
        """Send what is left and close the run; return the store's id, None if it was not kept."""
        self._queue.put(status)
        self._thread.join(self._finish_s)
        return self.run_id

    def _work(self) -> None:
        """Send a window every few seconds until the end is in the queue, then what is left."""
        store: Store | None = None
        run_id, status = "", None
        while status is None:
            lines, status = self._window()
            if lines:
                self._waiting.append(points(lines))
            try:
                if store is None:
                    store, run_id = self._begin()
                self._send(store)
            except Exception as error:  # noqa: BLE001  # tracking is a guest: it must not end a run
                self._say_away(error)
        self._end(store, run_id, status)

    def _begin(self) -> tuple[Store, str]:
        self._store = self._store or self._connect()
        return self._store, self._store.begin()

    def _send(self, store: Store) -> None:
        """Send all windows that wait, oldest first; one that fails goes on waiting."""
        while self._waiting:
            store.points(self._waiting[0])
            self._waiting.popleft()
        if self._is_away:
            self._is_away = False
            log.warning("MLflow answers again: all that waited has been sent")

    def _end(self, store: Store | None, run_id: str, status: End) -> None:
        """Close the run; try until the time is over if the store was there before."""
        until = time.monotonic() + self._finish_s
        while store is not None:
            try:
                self._send(store)
                store.end(status)
            except Exception as error:  # noqa: BLE001  # as above
                self._say_away(error)
                if time.monotonic() + self._window_s >= until:
                    return
                time.sleep(self._window_s)
            else:
                self.run_id = run_id
                return

    def _say_away(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            first = str(error).split("\n", 1)[0]
            log.warning("this run is not recorded in MLflow: %s", first)

    def _connect(self) -> Store:
        assert self._open is not None
        uri, spec, lineage, job_attempt = self._open
        store: Store
        if is_workspace(uri):
            module = importlib.import_module("trainer.azureml.tracking")
            store = module.JobStore.of(os.environ, (spec, lineage, job_attempt))
        else:
            store = importlib.import_module("trainer.mlflow_store").MlflowStore(uri, spec, lineage)
        return store

    def _window(self) -> tuple[list[ProgressLine], End | None]:
        lines: list[ProgressLine] = []
        until = time.monotonic() + self._window_s
        while (left := until - time.monotonic()) > 0:
            try:
                found = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(found, str):
                return lines, found
            lines.append(found)
        return lines, None


def points(lines: list[ProgressLine]) -> list[Point]:
    """Return at most `WINDOW_METRICS` points: every evaluation, and steps evenly picked."""
    judged = [line for line in lines if isinstance(line, EvalLine)]
    steps = [line for line in lines if isinstance(line, StepLine)]
    found = [point for line in judged for point in _of_evaluation(line)]
    found += [point for line in steps[-1:] for point in _slow(line)]
    room = max(1, (WINDOW_METRICS - len(found)) // len(STEP_METRICS))
    stride = -(-len(steps) // room)
    picked = steps[::-1][:: max(1, stride)][::-1]
    found += [point for line in picked for point in _of_step(line)]
    return found[:WINDOW_METRICS]


def _of_evaluation(line: EvalLine) -> list[Point]:
    at_ms = round(line.at * 1000)
    figures = {"loss": line.loss, "perplexity": line.perplexity, **line.metrics}
    return [
        Point(curve_of(name), value, line.step, at_ms)
        for name, value in figures.items()
        if value is not None
    ]


def _slow(line: StepLine) -> list[Point]:
    return _of_step(line, SLOW_METRICS)


def _of_step(line: StepLine, names: tuple[str, ...] = STEP_METRICS) -> list[Point]:
    at_ms = round(line.at * 1000)
    values = ((name, getattr(line, name)) for name in names)
    return [Point(name, value, line.step, at_ms) for name, value in values if value is not None]
