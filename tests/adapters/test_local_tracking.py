"""What only real files can get wrong: torn lines, later attempts, secrets, strange run ids."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.local.tracking import LocalTracking
from bot.domain.redact import MARK
from bot.domain.run import Readings, SampleSeen
from bot.errors import UnavailableError
from bot.ports import MetricsQuery
from bot.runfiles.history import CURVE_POINTS, History
from bot.runfiles.progress_file import ProgressFile
from trainer.contract.failure import Failure, FailureKind
from trainer.contract.progress import (
    CheckpointLine,
    DataLine,
    EvalLine,
    FailureLine,
    GuardLine,
    Phase,
    PhaseLine,
    ProgressLine,
    ResultLine,
    ResumeLine,
    SampleLine,
    StepLine,
)
from trainer.progress import Progress

RUN = "run-20261123-aaaaaa"


def step(number: int, loss: float = 1.0, attempt: int = 1, **changes: Any) -> StepLine:
    values = {"lr": 1e-3, "tokens": number * 64, "tokens_per_s": 100.0, "eta_s": 9.0, **changes}
    return StepLine(at=float(number), attempt=attempt, step=number, total=100, loss=loss, **values)


def history_of(*lines: ProgressLine) -> History:
    history = History()
    for line in lines:
        history.add(line)
    return history


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "jobs" / RUN
    (made / "output").mkdir(parents=True)
    return made


@pytest.fixture
def write(folder: Path) -> Callable[..., None]:
    def append(*lines: ProgressLine | str) -> None:
        with (folder / "output" / "progress.jsonl").open("a") as file:
            for line in lines:
                file.write(line if isinstance(line, str) else line.model_dump_json() + "\n")

    return append


@pytest.fixture
def tracking(tmp_path: Path) -> LocalTracking:
    return LocalTracking(tmp_path)


async def test_a_good_run_is_told_from_its_first_phase_to_its_result(
    tracking: LocalTracking, write: Callable[..., None]
) -> None:
    data = {"sha256": "ab", "rows": 9, "rows_kept": 8, "rows_eval": 1, "longest": 7}
    write(
        PhaseLine(at=0, phase=Phase.DATA, note="Reading."),
        DataLine(at=1, tokens=99, trained_tokens=50, note="1 row was too long.", **data),
        PhaseLine(at=2, phase=Phase.TRAIN),
        EvalLine(at=2, step=0, loss=5.0, perplexity=148.4),
        step(1, 4.0, grad_norm=2.0),
        step(2, 3.5, mfu=0.4, memory_bytes=9, epoch=0.5, sources={"train": 128}),
        CheckpointLine(at=3, step=2, path="checkpoints/2"),
        EvalLine(at=3, step=2, loss=3.6, perplexity=36.6),
        SampleLine(at=3, step=2, prompt="What?", text="That."),
        PhaseLine(at=4, phase=Phase.EXPORT),
    )
    seen = (await tracking.observe([RUN]))[RUN]
    assert (seen.phase, seen.step, seen.total) == (Phase.EXPORT, 2, 100)
    assert (seen.loss, seen.first_loss, seen.eval_loss) == (3.5, 4.0, 3.6)
    assert (seen.tokens, seen.tokens_per_s, seen.eta_s) == (128, 100.0, 9.0)
    assert seen.readings == Readings(mfu=0.4, memory_bytes=9, epoch=0.5, sources={"train": 128})
    assert seen.last_checkpoint_step == 2
    assert seen.samples == (SampleSeen(2, "What?", "That."),)
    write(
        ResultLine(
            at=5,
            steps=2,
            tokens=128,
            train_s=3.0,
            loss=3.5,
            eval_loss=3.6,
            eval_perplexity=36.6,
            first_eval_loss=5.0,
            peak_memory_bytes=10,
            model="model",
        )
    )
    ended = (await tracking.observe([RUN]))[RUN]
    assert ended.result is not None
    assert (ended.result.steps, ended.result.first_eval_loss, ended.eta_s) == (2, 5.0, None)


async def test_metrics_have_units_and_marks(
    tracking: LocalTracking, write: Callable[..., None]
) -> None:
    write(
        step(1, grad_norm=2.0, mfu=0.4, memory_bytes=2_500_000_000, epoch=0.25),
        CheckpointLine(at=1, step=1, path="c"),
        EvalLine(at=1, step=1, loss=2.0, perplexity=math.e**2),
        ResumeLine(at=2, attempt=2, step=1, exact=True),
        step(2, attempt=2),
    )
    metrics = await tracking.metrics(RUN, MetricsQuery())
    assert {one.key: one.unit for one in metrics.series} == {
        "loss": "nats/token",
        "lr": "",
        "grad_norm": "",
        "tokens_per_s": "tokens/s",
        "mfu": "of peak",
        "memory_gb": "GB",
        "eval_loss": "nats/token",
        "eval_perplexity": "",
    }
    assert next(one for one in metrics.series if one.key == "memory_gb").last == (2.5, None)
    assert [mark.kind for mark in metrics.marks] == ["checkpoint", "eval", "resume"]
    assert metrics.series[2].last == (2.0, None)


async def test_what_the_guard_found_is_a_mark_and_a_warning(
    tracking: LocalTracking, write: Callable[..., None]
) -> None:
    odd = GuardLine(at=1, step=2, event="loss_spike", value=9.0, z=9.08, action="skipped")
    write(step(1), odd, step(3))
    said = "Step 2: loss spike (z 9.1), batch skipped."
    assert (await tracking.observe([RUN]))[RUN].warning == said
    metrics = await tracking.metrics(RUN, MetricsQuery())
    assert [(mark.step, mark.kind, mark.text) for mark in metrics.marks] == [(2, "guard", said)]


async def test_a_methods_own_figures_are_curves_and_a_loss_of_its_own_has_no_perplexity(
    tracking: LocalTracking, write: Callable[..., None]
) -> None:
    write(
        step(1),
        EvalLine(at=1, step=1, loss=0.6, metrics={"accuracy": 0.75, "task/acc": 0.2}),
        step(2),
        EvalLine(at=3, step=2, loss=0.5, metrics={"accuracy": 0.9, "task/acc": 0.4}),
    )
    metrics = await tracking.metrics(RUN, MetricsQuery())
    drawn = {one.key: (one.unit, one.last) for one in metrics.series}
    assert drawn["eval_accuracy"] == ("", (0.75, 0.9))
    assert drawn["task/acc"] == ("", (0.2, 0.4))
    assert "eval_perplexity" not in drawn


async def test_a_half_written_line_waits_for_its_end(
    tracking: LocalTracking, write: Callable[..., None]
) -> None:
    text = step(2, 2.0).model_dump_json() + "\n"
    write(step(1, 3.0), text[:25])
    assert (await tracking.observe([RUN]))[RUN].step == 1
    write(text[25:])
    assert (await tracking.observe([RUN]))[RUN].step == 2


def test_a_torn_line_is_skipped_and_counted(folder: Path, write: Callable[..., None]) -> None:
    progress = ProgressFile(folder / "output" / "progress.jsonl")
    text = step(2).model_dump_json()
    write(step(1), text[:25] + text + "\n", "\n", '{"kind": "step"}\n', "\x00\xff\n", step(3))
    progress.refresh()
    assert (progress.lines, progress.skipped) == (2, 3)
    assert list(progress.history.curves["loss"].steps) == [1, 3]


def test_a_file_that_was_cut_back_is_read_anew(folder: Path, write: Callable[..., None]) -> None:
    path = folder / "output" / "progress.jsonl"
    progress = ProgressFile(path)
    write(step(1), step(2))
    progress.refresh()
    path.write_text(step(5).model_dump_json() + "\n")
    progress.refresh()
    assert list(progress.history.curves["loss"].steps) == [5]
    path.unlink()
    progress.refresh()
    assert list(progress.history.curves["loss"].steps) == []


def test_a_torn_end_that_the_next_attempt_cut_away_does_no_harm(
    folder: Path, write: Callable[..., None]
) -> None:
    path = folder / "output" / "progress.jsonl"
    progress = ProgressFile(path)
    write(step(1), '{"at": 1, "kind": "st')
    progress.refresh()
    os.truncate(path, path.stat().st_size - 21)
    write(step(2))
    progress.refresh()
    assert (list(progress.history.curves["loss"].steps), progress.skipped) == ([1, 2], 0)


def test_a_resumed_attempt_takes_back_what_came_after_its_checkpoint() -> None:
    history = history_of(
        *(step(n, loss=9.0) for n in range(1, 8)),
        CheckpointLine(at=1, step=5, path="c"),
        EvalLine(at=1, step=7, loss=9.0, perplexity=1.0),
        FailureLine(
            at=2, failure=Failure(kind=FailureKind.PREEMPTED, message="Stopped.", remedy="Wait.")
        ),
        ResumeLine(at=3, attempt=2, step=5, exact=True, note="token=abcdefgh12345"),
    )
    seen = history.seen()
    assert (seen.step, seen.eval_loss, seen.failure) == (5, None, None)
    history.add(step(6, loss=1.0, attempt=2))
    assert list(history.curves["loss"].values) == [9.0] * 5 + [1.0]
    assert "abcdefgh" not in history.marks[-1].text


def test_an_attempt_that_begins_from_nothing_takes_all_back() -> None:
    history = history_of(*(step(n, 9.0) for n in range(1, 8)), step(1, 2.0, attempt=2))
    assert list(history.curves["loss"].values) == [2.0]
    assert history.seen().first_loss == 2.0


async def test_what_the_trainer_writes_is_what_is_read(
    tracking: LocalTracking, folder: Path
) -> None:
    written = Progress(folder / "output", attempt=2, say=lambda _: None)
    written.write(PhaseLine, phase=Phase.TRAIN, note="")
    written.write(
        StepLine, step=7, total=9, loss=2.5, lr=1e-3, tokens=448, tokens_per_s=10, eta_s=1
    )
    seen = (await tracking.observe([RUN]))[RUN]
    assert (seen.phase, seen.step, seen.total, seen.loss) == (Phase.TRAIN, 7, 9, 2.5)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 12)), min_size=1, max_size=8).map(
        lambda parts: [n for begin, count in parts for n in range(begin, begin + count)]
    )
)
def test_each_step_counts_once_and_the_later_line_wins(numbers: list[int]) -> None:
    history = history_of(*(step(n, loss=float(at)) for at, n in enumerate(numbers)))
    steps = list(history.curves["loss"].steps)
    assert steps == sorted(set(steps))
    assert steps[-1] == numbers[-1]
    for found, value in zip(steps, history.curves["loss"].values, strict=True):
        assert value == max(at for at, n in enumerate(numbers) if n == found)


def test_a_loss_that_is_no_number_is_marked_and_spoils_nothing() -> None:
    history = history_of(step(1, 3.0), step(2, math.nan), step(3, math.inf, grad_norm=math.nan))
    seen = history.seen()
    assert (seen.step, seen.loss) == (3, 3.0)
    assert [(mark.step, mark.kind) for mark in history.marks] == [
        (2, "not_finite"),
        (3, "not_finite"),
        (3, "not_finite"),
    ]
    json.dumps(list(history.curves["loss"].values), allow_nan=False)


@settings(max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400))
def test_the_small_curve_keeps_its_extremes(losses: list[float]) -> None:
    curve = history_of(*(step(n, loss) for n, loss in enumerate(losses, 1))).seen().curve
    assert len(curve) <= CURVE_POINTS
    values = [point.value for point in curve]
    assert (min(values), max(values)) == (min(losses), max(losses))
    assert (curve[0].step, curve[-1].step) == (1, len(losses))


def test_only_the_samples_of_the_last_evaluation_stay() -> None:
    history = history_of(
        SampleLine(at=0, step=10, prompt="a", text="old"),
        SampleLine(at=0, step=20, prompt="a", text="new"),
        SampleLine(at=0, step=20, prompt="b", text="password=hunter22"),
    )
    assert history.seen().samples == (
        SampleSeen(20, "a", "new"),
        SampleSeen(20, "b", f"password={MARK}"),
    )


def test_a_failure_is_told_without_secrets() -> None:
    failure = Failure(
        kind=FailureKind.BAD_DATA,
        message="https://x.blob.core.windows.net/d?sig=abc123 cannot be read.",
        remedy="Use account_key=abcdef123 again.",
    )
    told = history_of(FailureLine(at=0, failure=failure)).seen().failure
    assert told is not None
    assert told.kind is FailureKind.BAD_DATA
    assert "abc" not in told.message + told.remedy


async def test_the_last_lines_of_the_log_come_along_redacted(
    tracking: LocalTracking, folder: Path
) -> None:
    lines = [f"line {number}" for number in range(1, 30)] + ["token=abcdefgh1234"]
    (folder / "log.txt").write_text("\n".join(lines) + "\n")
    tail = (await tracking.observe([RUN]))[RUN].log_tail
    assert tail == (*(f"line {number}" for number in range(11, 30)), f"token={MARK}")


async def test_a_summary_stays_small_whatever_the_log_says(
    tracking: LocalTracking, folder: Path
) -> None:
    (folder / "log.txt").write_text(("x" * 100_000 + "\n") * 50)
    tail = (await tracking.observe([RUN]))[RUN].log_tail
    assert sum(map(len, tail)) == 20 * 500


async def test_the_last_words_of_a_job_that_ended_are_heard(
    tracking: LocalTracking, folder: Path
) -> None:
    (folder / "log.txt").write_text("Segmentation fault")
    assert await tracking.observe([RUN]) == {}
    (folder / "exit.json").write_text("{}")
    assert (await tracking.observe([RUN]))[RUN].log_tail == ("Segmentation fault",)


@pytest.mark.parametrize("run_id", ["../../etc", "..", "", "a/b", "run\x00", "x" * 300])
async def test_what_is_no_run_id_reads_nothing(
    tracking: LocalTracking, tmp_path: Path, run_id: str
) -> None:
    (tmp_path / "log.txt").write_text("secret\n")
    (tmp_path.parent / "log.txt").write_text("secret\n")
    assert await tracking.observe([run_id]) == {}
    assert (await tracking.log(run_id, 1, 10)).lines == ()


async def test_a_file_that_cannot_be_read_is_said(tracking: LocalTracking, folder: Path) -> None:
    (folder / "log.txt").mkdir()
    with pytest.raises(UnavailableError, match=RUN):
        await tracking.log(RUN, 1, 10)


async def test_more_runs_than_are_remembered_are_still_told(tmp_path: Path) -> None:
    tracking = LocalTracking(tmp_path, kept_runs=2)
    run_ids = [f"run-{at}" for at in range(6)]
    for at, run_id in enumerate(run_ids):
        (tmp_path / "jobs" / run_id).mkdir(parents=True)
        (tmp_path / "jobs" / run_id / "log.txt").write_text("line\n" * (at + 1))
    assert len(await tracking.observe(run_ids)) == 6
    assert [(await tracking.log(run_id, 1, 1)).total for run_id in run_ids] == [1, 2, 3, 4, 5, 6]
    assert len(tracking._files) == 2
