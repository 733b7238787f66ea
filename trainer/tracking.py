"""Send metrics and lineage to MLflow beside the training, never in its way.

A synchronous metric costs 4.6 ms, and Azure ML answers 429 to more than a few calls a second. So
a thread of its own sends windows of at most `WINDOW_METRICS`, and anything that goes wrong there
is said once and ends the tracking, not the run.
"""

import importlib
import logging
import os
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from trainer.contract.progress import EvalLine, ProgressLine, StepLine
from trainer.contract.spec import RunSpec
from trainer.lineage import Lineage

log = logging.getLogger(__name__)

End = Literal["FINISHED", "FAILED", "KILLED"]
WINDOW_S = 5.0
WINDOW_METRICS = 20
STEP_METRICS = ("loss", "lr", "grad_norm", "tokens_per_s")
# How long the end of a run waits for its last window.
FINISH_S = 30.0


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

    def __init__(self, store: Store | None = None, *, window_s: float = WINDOW_S) -> None:
        self._store, self._window_s = store, window_s
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
        """Queue a line; only steps and evaluations are metrics."""
        if isinstance(line, StepLine | EvalLine):
            self._queue.put(line)

    def finish(self, status: End) -> str | None:
        """Send what is left and close the run; return the store's id, None if it was not kept."""
        self._queue.put(status)
        self._thread.join(FINISH_S)
        return self.run_id

    def _work(self) -> None:
        try:
            store = self._store or self._connect()
            run_id = store.begin()
            self._send(store)
        except Exception as error:  # noqa: BLE001  # tracking is a guest: it must not end a run
            log.warning("this run is not recorded in MLflow: %s", str(error).split("\n", 1)[0])
        else:
            self.run_id = run_id

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

    def _send(self, store: Store) -> None:
        """Send a window every few seconds until the end is in the queue."""
        while True:
            lines, status = self._window()
            if lines:
                store.points(points(lines))
            if status is not None:
                store.end(status)
                return

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
    room = max(1, (WINDOW_METRICS - 2 * len(judged)) // len(STEP_METRICS))
    stride = -(-len(steps) // room)
    picked = steps[::-1][:: max(1, stride)][::-1]
    found = [point for line in judged for point in _of_evaluation(line)]
    found += [point for line in picked for point in _of_step(line)]
    return found[:WINDOW_METRICS]


def _of_evaluation(line: EvalLine) -> list[Point]:
    at_ms = round(line.at * 1000)
    return [
        Point("eval_loss", line.loss, line.step, at_ms),
        Point("eval_perplexity", line.perplexity, line.step, at_ms),
    ]


def _of_step(line: StepLine) -> list[Point]:
    values: dict[str, Any] = line.model_dump(include=set(STEP_METRICS))
    at_ms = round(line.at * 1000)
    return [
        Point(name, values[name], line.step, at_ms)
        for name in STEP_METRICS
        if values[name] is not None
    ]
