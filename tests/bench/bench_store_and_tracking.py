"""How fast runs are saved, curves are answered and logs are read, beside MLflow where it can."""

import asyncio
import math
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from bot.adapters.local.tracking import LocalTracking
from bot.adapters.sql import SqlStore, migrate
from bot.domain.message import Message, MessageState
from bot.domain.people import Person, Role, Thread, ThreadKind
from bot.domain.posts import TextPost
from bot.domain.run import Event, Plan, Point, ProgressSeen, Run, RunStatus, Seen, Source
from bot.ports import MetricsQuery, RunQuery
from trainer.contract.progress import StepLine
from trainer.contract.spec import RunSpec

Record = Callable[..., None]
RUN = "run-20261123-aaaaaa"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SPEC = RunSpec.model_validate(
    {
        "recipe": "tiny-sft",
        "name": "bench",
        "method": "sft",
        "model": {"source": "run:x"},
        "data": {"train": {"uri": "builtin:pydoc"}},
        "budget": {"steps": 25_000},
    }
)
PLAN = Plan(1, 1, 1, 1, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, "EUR", "table")
ADA = Person("ada", "t", "Ada", Role.RESEARCHER)
THREAD = Thread("19:x", "http://127.0.0.1/", ThreadKind.CHANNEL, "t", "b")
# As large as runs get: a full curve and a full tail of the log.
SEEN = Seen(
    progress=ProgressSeen(
        curve=tuple(Point(at, 2.5) for at in range(40)), log_tail=("x" * 120,) * 20
    )
)


async def timed_ms(act: Callable[[], Awaitable[object]], times: int) -> float:
    """Return the median time of one call."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


@pytest.fixture
async def store(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/krsp.db"
    await migrate(url)
    opened = await SqlStore.open(url)
    yield opened
    await opened.close()


async def test_saves(store: SqlStore, record: Record) -> None:
    run = await store.add_run(
        Run(RUN, SPEC, "0" * 64, ADA, (THREAD,), PLAN, NOW, seen=SEEN), (), ()
    )
    count = 500
    began = time.perf_counter()
    for at in range(count):
        event = Event(RUN, NOW, None, "progress", "Step.", Source.TRAINER)
        message = Message(str(at), THREAD, TextPost("x" * 2000), MessageState.PENDING, NOW, RUN)
        run = await store.save_run(run, [event], [message])
    record("store: a run saved with event and message", count / (time.perf_counter() - began), "/s")
    began = time.perf_counter()
    await asyncio.gather(*(store.claim(str(at), NOW) for at in range(count)))
    record("store: claims, 500 at once", count / (time.perf_counter() - began), "/s")


async def test_lists(store: SqlStore, record: Record) -> None:
    template = Run(RUN, SPEC, "0" * 64, ADA, (THREAD,), PLAN, NOW, seen=SEEN)
    template = replace(template, status=RunStatus.SUCCEEDED)
    for at in range(2000):
        await store.add_run(replace(template, id=f"run-{at:06}"), (), ())
    took = await timed_ms(lambda: store.runs(RunQuery(limit=50)), 20)
    record("store: page of 50 among 2,000 runs", took, "ms")
    took = await timed_ms(lambda: store.runs(RunQuery(limit=50, text="0019")), 20)
    record("store: text search among 2,000 runs", took, "ms")
    record("store: unfinished among 2,000 runs", await timed_ms(store.unfinished, 20), "ms")


def write_progress(folder: Path, steps: int) -> None:
    (folder / "output").mkdir(parents=True)
    with (folder / "output" / "progress.jsonl").open("w") as file:
        for step in range(1, steps + 1):
            loss = 9.0 if step % 1087 == 0 else 2 + math.sin(step / 500)
            line = StepLine(
                at=step,
                step=step,
                total=steps,
                loss=loss,
                lr=1e-3,
                grad_norm=loss / 2,
                tokens=step,
                tokens_per_s=5000,
                eta_s=1,
            )
            file.write(line.model_dump_json() + "\n")


async def test_metrics(tmp_path: Path, record: Record) -> None:
    write_progress(tmp_path / "jobs" / RUN, 25_000)
    tracking = LocalTracking(tmp_path)
    query = MetricsQuery(buckets=1000, smooth=0.9)
    first = await timed_ms(lambda: tracking.metrics(RUN, query), 1)
    record("metrics: 4 x 25,000 points, first look", first, "ms")
    again = await timed_ms(lambda: tracking.metrics(RUN, query), 20)
    record("metrics: 4 x 25,000 points to 1,000 buckets, smoothed", again, "ms")
    plain = await timed_ms(lambda: tracking.metrics(RUN, MetricsQuery(buckets=1000)), 20)
    record("metrics: 4 x 25,000 points to 1,000 buckets", plain, "ms")
    record(
        "metrics: one run observed, nothing new",
        await timed_ms(lambda: tracking.observe([RUN]), 50),
        "ms",
    )


@pytest.mark.filterwarnings("ignore")  # of MLflow and its libraries
async def test_metrics_of_mlflow(tmp_path: Path, record: Record) -> None:
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    run_id = client.create_run(client.create_experiment("bench")).info.run_id
    points = [Metric("loss", 2.0, step, step) for step in range(25_000)]
    for at in range(0, len(points), 1000):
        client.log_batch(run_id, points[at : at + 1000])
    began = time.perf_counter()
    history = client.get_metric_history(run_id, "loss")
    record("peer: MLflow, history of 1 x 25,000 points", (time.perf_counter() - began) * 1000, "ms")
    assert len(history) == 25_000


async def test_log(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "jobs" / RUN
    folder.mkdir(parents=True)
    with (folder / "log.txt").open("w") as file:
        for number in range(1_000_000):
            file.write(
                f"step {number}/1000000  loss 2.5341  lr 3.00e-04  5698 tokens/s  9 s left\n"
            )
    tracking = LocalTracking(tmp_path)
    record(
        "log: 1,000,000 lines, first look",
        await timed_ms(lambda: tracking.log(RUN, -50, 50), 1),
        "ms",
    )
    took = await timed_ms(lambda: tracking.log(RUN, 700_000, 200), 50)
    record("log: 200 lines in the middle of 1,000,000", took, "ms")
    took = await timed_ms(lambda: tracking.search_log(RUN, "no such words", 100), 3)
    record("log: search of 1,000,000 lines, no hit", took, "ms")
    took = await timed_ms(lambda: tracking.search_log(RUN, "LOSS 2.5341", 100), 1)
    record("log: search of 1,000,000 lines, all hit", took, "ms")
    began = time.perf_counter()
    size = 0
    async for piece in tracking.read_log(RUN):
        size += len(piece)
    record("log: download, redacted", size / 1e6 / (time.perf_counter() - began), "MB/s")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    record("log: peak memory of the process", peak_mb, "MB")
