"""The contract of Tracking, for every adapter that there is."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from bot.adapters.local.tracking import LocalTracking
from bot.adapters.memory import MemoryTracking
from bot.domain.run import ProgressSeen
from bot.ports import Marks, MetricsQuery, Tracking
from tests.adapters.azure.ml_world import MlTracking
from trainer.contract.progress import StepLine

RUN = "run-20261123-aaaaaa"
OTHER = "run-20261123-bbbbbb"


class World(Protocol):
    """A tracking to ask, and the hand that writes what it reads."""

    tracking: Tracking

    def write_losses(self, losses: Mapping[int, float]) -> None: ...
    def write_log(self, lines: Sequence[str]) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self.tracking = MemoryTracking()

    def write_losses(self, losses: Mapping[int, float]) -> None:
        curves = self.tracking.points.setdefault(RUN, {})
        curves["loss"] = [*curves.get("loss", []), *losses.items()]
        self.tracking.seen[RUN] = ProgressSeen(step=max(losses), loss=losses[max(losses)])

    def write_log(self, lines: Sequence[str]) -> None:
        self.tracking.lines[RUN] = list(lines)


class LocalWorld:
    def __init__(self, home: Path) -> None:
        self.tracking = LocalTracking(home)
        self._folder = home / "jobs" / RUN
        (self._folder / "output").mkdir(parents=True)

    def write_losses(self, losses: Mapping[int, float]) -> None:
        with (self._folder / "output" / "progress.jsonl").open("a") as file:
            for step, loss in losses.items():
                line = StepLine(
                    at=0, step=step, total=100, loss=loss, lr=1, tokens=1, tokens_per_s=1, eta_s=1
                )
                file.write(line.model_dump_json() + "\n")

    def write_log(self, lines: Sequence[str]) -> None:
        (self._folder / "log.txt").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture(params=["memory", "local", "azure"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "azure":
        made = MlTracking(request.getfixturevalue("azure"), tmp_path, RUN)
        yield made
        made.close()
        return
    yield MemoryWorld() if request.param == "memory" else LocalWorld(tmp_path)


async def test_a_run_that_wrote_nothing_is_absent_and_empty(world: World) -> None:
    tracking = world.tracking
    assert await tracking.observe([RUN]) == {}
    assert await tracking.marks([RUN]) == {}
    assert (await tracking.metrics(RUN, MetricsQuery())).series == ()
    assert (await tracking.log(RUN, 1, 10)).total == 0
    assert (await tracking.search_log(RUN, "x", 10)).numbers == ()
    assert [piece async for piece in tracking.read_log(RUN)] == []


async def test_progress_is_seen_of_the_runs_asked_for(world: World) -> None:
    world.write_losses({1: 3.0, 2: 2.5})
    seen = await world.tracking.observe([RUN, OTHER])
    assert list(seen) == [RUN]
    assert (seen[RUN].step, seen[RUN].loss) == (2, 2.5)


async def test_marks_change_when_something_is_written(world: World) -> None:
    world.write_losses({1: 3.0})
    before = (await world.tracking.marks([RUN, OTHER]))[RUN]
    world.write_losses({2: 2.5})
    world.write_log(["a line"])
    after = (await world.tracking.marks([RUN]))[RUN]
    assert isinstance(before, Marks)
    assert after.progress_bytes != before.progress_bytes
    assert after.log_bytes > before.log_bytes


async def test_curves_come_in_buckets_with_their_extremes(world: World) -> None:
    world.write_losses({step: 9.0 if step == 7 else 1.0 for step in range(1, 11)})
    metrics = await world.tracking.metrics(RUN, MetricsQuery(keys=("loss",), buckets=5))
    (loss,) = metrics.series
    assert metrics.steps == (2, 4, 6, 8, 10)
    assert loss.high == (1, 1, 1, 9, 1)
    assert loss.low == (1, 1, 1, 1, 1)
    assert (metrics.points, metrics.first_step, metrics.last_step) == (10, 1, 10)


async def test_a_step_that_was_written_again_counts_once_and_the_later_one_wins(
    world: World,
) -> None:
    world.write_losses({1: 9.0, 2: 9.0, 3: 9.0})
    world.write_losses({2: 2.0, 3: 3.0, 4: 4.0})
    metrics = await world.tracking.metrics(RUN, MetricsQuery(keys=("loss",)))
    assert metrics.series[0].last == (9.0, 2.0, 3.0, 4.0)
    assert metrics.points == 4


async def test_a_part_of_the_curve_is_cut_by_steps(world: World) -> None:
    world.write_losses({step: float(step) for step in range(1, 101)})
    query = MetricsQuery(keys=("loss",), first_step=40, last_step=1000)
    metrics = await world.tracking.metrics(RUN, query)
    assert metrics.steps == tuple(range(40, 101))
    assert metrics.series[0].last == metrics.steps
    assert metrics.series[0].points == 61


async def test_a_key_that_nobody_wrote_is_left_out(world: World) -> None:
    world.write_losses({1: 1.0})
    assert (await world.tracking.metrics(RUN, MetricsQuery(keys=("accuracy",)))).series == ()


async def test_a_part_beyond_the_curve_is_empty(world: World) -> None:
    world.write_losses({1: 1.0})
    metrics = await world.tracking.metrics(RUN, MetricsQuery(keys=("loss",), first_step=5))
    assert (metrics.steps, metrics.points) == ((), 0)


@pytest.mark.parametrize(
    ("first", "count", "numbers"),
    [
        (1, 3, [1, 2, 3]),
        (9, 5, [9, 10]),
        (-2, 5, [9, 10]),
        (-50, 2, [1, 2]),
        (0, 1, [1]),
        (11, 5, []),
        (3, 0, []),
    ],
)
async def test_a_log_is_read_by_line_numbers(
    world: World, first: int, count: int, numbers: list[int]
) -> None:
    world.write_log([f"line {number}" for number in range(1, 11)])
    found = await world.tracking.log(RUN, first, count)
    assert found.lines == tuple(f"line {number}" for number in numbers)
    assert found.total == 10
    assert not numbers or found.first == numbers[0]


async def test_a_search_ignores_case_and_counts_what_it_does_not_list(world: World) -> None:
    world.write_log(["Loss 3", "nothing", "LOSS 2", "loss 1", "Übermaß"])
    found = await world.tracking.search_log(RUN, "loss", 2)
    assert (found.numbers, found.total) == ((1, 3), 3)
    assert (await world.tracking.search_log(RUN, "übermass", 5)).total == 0
    assert (await world.tracking.search_log(RUN, "ÜBER", 5)).numbers == (5,)


async def test_a_whole_log_can_be_read(world: World) -> None:
    world.write_log(["one", "two", "", "four"])
    pieces = [piece async for piece in world.tracking.read_log(RUN)]
    assert b"".join(pieces) == b"one\ntwo\n\nfour\n"
