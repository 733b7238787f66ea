"""The progress file: every line whole and readable, whatever happened before."""

from pathlib import Path

import pytest

from trainer.checkpoint import write_whole
from trainer.contract.failure import Failure, FailureKind
from trainer.contract.progress import Phase, PhaseLine, StepLine, read_line
from trainer.progress import Progress


def step(progress: Progress, number: int) -> StepLine:
    return progress.write(
        StepLine,
        step=number,
        total=9,
        loss=2.0,
        lr=0.1,
        tokens=number * 10,
        tokens_per_s=5.0,
        eta_s=1.0,
    )


def test_a_line_is_in_the_file_the_moment_it_is_written(tmp_path: Path) -> None:
    progress = Progress(tmp_path, attempt=3, say=print, clock=lambda: 7.5)
    written = progress.write(PhaseLine, phase=Phase.DATA)
    assert read_line(progress.path.read_bytes()) == written
    assert (written.at, written.attempt) == (7.5, 3)


def test_a_line_cut_short_by_a_kill_is_removed_by_the_next_attempt(tmp_path: Path) -> None:
    first = Progress(tmp_path, attempt=1, say=print)
    first.write(PhaseLine, phase=Phase.DATA)
    with first.path.open("ab") as file:
        file.write(b'{"kind":"step","st')
    second = Progress(tmp_path, attempt=2, say=print)
    second.write(PhaseLine, phase=Phase.TRAIN)
    lines = [read_line(line) for line in second.path.read_bytes().splitlines()]
    assert [line.attempt for line in lines] == [1, 2]


def test_a_person_hears_a_step_a_second_and_a_program_each_one(tmp_path: Path) -> None:
    now = iter(range(100))
    words: list[str] = []
    lines: list[str] = []
    spoken = Progress(tmp_path / "a", attempt=1, say=words.append, clock=lambda: next(now) / 4)
    listed = Progress(tmp_path / "b", attempt=1, say=lines.append, as_json=True)
    for number in range(1, 10):
        step(spoken, number)
        step(listed, number)
    assert [word.split()[1] for word in words] == ["1/9", "5/9", "9/9"]
    assert "loss 2.0000" in words[-1]
    assert [read_line(line).step for line in lines] == list(range(1, 10))  # type: ignore[union-attr]


def test_a_failure_is_said_even_when_it_cannot_be_written(tmp_path: Path) -> None:
    said: list[str] = []
    progress = Progress(tmp_path / "gone", attempt=1, say=said.append)
    progress.path.parent.rmdir()
    progress.fail(Failure(kind=FailureKind.DISK_FULL, message="Full.", remedy="Free space."))
    assert said == ["Full. Free space."]


def test_a_small_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
