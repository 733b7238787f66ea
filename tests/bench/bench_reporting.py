"""What a step pays for being reported: lines on disk, figures of the machine, MLflow beside it."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from tests.bench.bench_training import SPEC, context_in
from trainer.callbacks import Reporter
from trainer.checkpoint import Totals
from trainer.contract.spec import Batch, Budget
from trainer.data.gather import gather
from trainer.lineage import lineage
from trainer.loop import Ingredients, Watch
from trainer.meter import meter_of
from trainer.mlflow_store import MlflowStore
from trainer.packed import PackedLoop
from trainer.tracking import End, Point, Store, Tracker

Record = Callable[..., None]
STEPS, WARM_STEPS = 80, 20
# The steps of the recipe tiny-sft: a larger model pays the same for more work.
TOKENS = 1024
MOST_PERCENT = 1.0


class Timed(Store):
    """A store with a count of the CPU seconds that its thread spends in it."""

    def __init__(self, inner: Store) -> None:
        self._inner, self.cpu_s, self.points_sent = inner, 0.0, 0

    @override
    def begin(self) -> str:
        return "begun"

    @override
    def points(self, window: list[Point]) -> None:
        began = time.thread_time()
        self._inner.points(window)
        self.cpu_s += time.thread_time() - began
        self.points_sent += len(window)

    @override
    def end(self, status: End) -> None:
        self._inner.end(status)


class EverySecond(Reporter):
    """Reports every second step, and takes the CPU time of both kinds, and of reporting itself."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.steps: dict[bool, list[float]] = {True: [], False: []}
        self.own: list[float] = []
        self._at = 0.0

    @override
    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._at = time.process_time()
        super().on_step_begin(args, state, control, **kwargs)

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        reports = state.global_step % 2 == 0
        if reports:
            began = time.thread_time()
            super().on_step_end(args, state, control, **kwargs)
            self.own.append(time.thread_time() - began)
        if state.global_step > WARM_STEPS:
            self.steps[reports].append(time.process_time() - self._at)


@pytest.mark.filterwarnings("ignore")  # of MLflow and its libraries
def test_reporting_costs_less_than_a_hundredth_of_a_step(record: Record, tmp_path: Path) -> None:
    batch, budget = Batch(tokens_per_step=TOKENS), Budget(steps=STEPS)
    spec = SPEC.model_copy(update={"batch": batch, "budget": budget})
    context = replace(context_in(tmp_path), spec=spec, every_step=True)
    origin = lineage(run_id="bench", attempt=1, spec_sha256="", data_sha256="")
    recorded = MlflowStore(f"sqlite:///{tmp_path}/mlflow.db", spec, origin)
    recorded.begin()
    store = Timed(recorded)
    tracker = Tracker(store)
    context.progress.listeners.append(tracker.take)
    ingredients = Ingredients(context, gather(spec, tmp_path), None)
    loop, reporter = PackedLoop(ingredients), EverySecond(context, Totals())
    trainer = loop.make_trainer(Watch(reporter, lambda *_: None, [reporter]))
    reporter.meter = meter_of(ingredients, loop, trainer.model)
    tracker.start()
    trainer.train()
    tracker.finish("FINISHED")
    without, with_it = (statistics.median(reporter.steps[kind]) for kind in (False, True))
    own = statistics.median(reporter.own)
    beside = store.cpu_s / (STEPS // 2)
    record("reporting: a step without", 1000 * without, "CPU-ms", tokens=TOKENS)
    record("reporting: a step with", 1000 * with_it, "CPU-ms", tokens=TOKENS)
    record("reporting: the difference", 100 * (with_it / without - 1), "%", steps=STEPS)
    record("reporting: its own code in the step", 1000 * own, "CPU-ms", steps=STEPS)
    record("reporting: MLflow's thread beside it", 1000 * beside, "CPU-ms", sent=store.points_sent)
    share = 100 * (own + beside) / without
    record("reporting: both, share of a step", share, "%", most=MOST_PERCENT)
    assert share < MOST_PERCENT
