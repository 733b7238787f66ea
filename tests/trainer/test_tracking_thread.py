"""Tracking beside a run: windows that fit, nothing lost at the end, no harm when it fails."""

import logging
import threading
import time

import pytest
from typing_extensions import override

from trainer.contract.progress import EvalLine, PhaseLine, StepLine
from trainer.tracking import WAITING_LINES, WINDOW_METRICS, End, Point, Store, Tracker, points


def step(number: int) -> StepLine:
    return StepLine(
        at=float(number),
        step=number,
        total=100,
        loss=1.0 / number,
        lr=0.1,
        grad_norm=1.0,
        tokens=number,
        tokens_per_s=10.0,
        eta_s=1.0,
    )


EIGHTH = step(8)


class MemoryStore(Store):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.windows: list[list[Point]] = []
        self.status: End | None = None

    @override
    def begin(self) -> str:
        return "kept"

    @override
    def points(self, window: list[Point]) -> None:
        self.windows.append(window)

    @override
    def end(self, status: End) -> None:
        self.status = status


class BrokenStore(MemoryStore):
    @override
    def points(self, window: list[Point]) -> None:
        raise ConnectionError("429 Too Many Requests\nlong story")


class AwayStore(MemoryStore):
    """Refuses every call until it is back."""

    def __init__(self) -> None:
        super().__init__()
        self.refused, self.is_back = threading.Semaphore(0), threading.Event()

    @override
    def begin(self) -> str:
        self._answer()
        return super().begin()

    @override
    def points(self, window: list[Point]) -> None:
        self._answer()
        super().points(window)

    def _answer(self) -> None:
        if not self.is_back.is_set():
            self.refused.release()
            raise ConnectionError("connection refused")


class HangingStore(MemoryStore):
    """Takes a call and never answers, as a server behind a dead link does."""

    def __init__(self) -> None:
        super().__init__()
        self.is_called, self.is_over = threading.Event(), threading.Event()

    @override
    def points(self, window: list[Point]) -> None:
        self.is_called.set()
        self.is_over.wait()


class LostLaterStore(AwayStore):
    """Is there at first, goes away with the first window, and comes back when it is told to."""

    @override
    def begin(self) -> str:
        return "kept"


def test_the_end_sends_what_is_left_and_closes_the_run() -> None:
    store = MemoryStore()
    tracker = Tracker(store, window_s=60.0)
    tracker.start()
    tracker.take(step(1))
    tracker.take(EvalLine(at=2.0, step=1, loss=0.5, perplexity=1.6))
    assert tracker.finish("FINISHED") == "kept"
    assert store.status == "FINISHED"
    (window,) = store.windows
    assert Point("eval_loss", 0.5, 1, 2000) in window
    assert Point("loss", 1.0, 1, 1000) in window


@pytest.mark.parametrize(("steps", "judged"), [(1, 0), (500, 0), (500, 2), (0, 9), (3, 30)])
def test_a_window_never_holds_more_than_may_be_sent(steps: int, judged: int) -> None:
    lines = [step(n) for n in range(1, steps + 1)]
    evals = [EvalLine(at=1.0, step=n, loss=1.0, perplexity=2.7) for n in range(judged)]
    found = points([*lines, *evals])
    assert 0 < len(found) <= WINDOW_METRICS


def test_what_moves_slowly_is_sent_once_a_window_from_its_newest_step() -> None:
    reading = {"mfu": 0.4, "memory_bytes": 2_000_000_000, "epoch": 0.5}
    lines = [step(n).model_copy(update=reading) for n in range(1, 101)]
    found = {point.name: (point.step, point.value) for point in points(lines)}
    assert found["mfu"] == (100, 0.4)
    assert found["memory_gb"] == (100, 2.0)
    assert found["epoch"] == (100, 0.5)
    assert len(points(lines)) <= WINDOW_METRICS
    assert [p.name for p in points(lines)].count("mfu") == 1


def test_the_newest_step_is_always_among_those_picked() -> None:
    assert max(point.step for point in points([step(n) for n in range(1, 101)])) == 100


def test_a_store_that_fails_is_said_once_and_hurts_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracker = Tracker(BrokenStore(), window_s=0.01, finish_s=0.1)
    tracker.start()
    with caplog.at_level(logging.WARNING):
        tracker.take(step(1))
        assert tracker.finish("FINISHED") is None
    (record,) = caplog.records
    assert record.getMessage() == "this run is not recorded in MLflow: 429 Too Many Requests"


def test_other_lines_are_no_metrics() -> None:
    store = MemoryStore()
    tracker = Tracker(store)
    tracker.take(PhaseLine(at=1.0, phase="train"))
    tracker.start()
    tracker.finish("KILLED")
    assert (store.windows, store.status) == ([], "KILLED")


@pytest.mark.parametrize("kind", [AwayStore, LostLaterStore])
def test_a_store_that_comes_back_gets_all_that_waited_in_its_order(kind: type[AwayStore]) -> None:
    store = kind()
    tracker = Tracker(store, window_s=0.01)
    tracker.start()
    for number in (1, 2, 3):
        tracker.take(step(number))
        store.refused.acquire()
    store.is_back.set()
    assert tracker.finish("FINISHED") == "kept"
    losses = [p.step for window in store.windows for p in window if p.name == "loss"]
    assert losses == [1, 2, 3]
    assert store.status == "FINISHED"


def test_a_store_that_hangs_never_holds_a_step_up_nor_the_end_for_long() -> None:
    store = HangingStore()
    tracker = Tracker(store, window_s=0.01, finish_s=0.05)
    tracker.start()
    tracker.take(step(1))
    assert store.is_called.wait(20)
    began = time.thread_time()
    for number in range(WAITING_LINES + 1000):
        tracker.take(step(number + 1) if number < 10 else EIGHTH)
    spent = time.thread_time() - began
    assert tracker._queue.qsize() <= WAITING_LINES
    assert tracker.finish("FINISHED") is None
    store.is_over.set()
    assert spent / WAITING_LINES < 0.0005
