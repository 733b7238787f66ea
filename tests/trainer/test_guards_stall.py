"""A run that stands still is ended, with where it stood; the next attempt says what was lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.faults import attempt_at
from tests.trainer.small import (
    ROOT,
    context_of,
    process_environment,
    read_progress,
    small_spec,
    write_colours,
)
from trainer.checkpoint import Totals
from trainer.contract.failure import EXIT_CODES, FailureKind
from trainer.contract.progress import ResumeLine, resume_note
from trainer.errors import StalledError
from trainer.stall import LAST_STEP, LastStep, Watchdog, lost_since

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def test_a_process_that_stands_still_ends_with_exit_code_6_and_its_threads_in_the_log(
    tmp_path: Path,
) -> None:
    write_colours(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.trainer.stuck", str(tmp_path)],
        cwd=ROOT,
        env=process_environment({}),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == EXIT_CODES[FailureKind.STALLED] == 6, done.stderr
    assert "wait_for_a_mount_that_is_gone" in done.stderr
    last = read_progress(tmp_path / "output")[-1]
    assert last.kind == "failure"
    assert last.failure.kind == "stalled"
    assert last.failure.step == 2
    assert "Nothing moved" in last.failure.message


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_watchdog_ends_a_run_only_after_the_whole_time_without_a_move(tmp_path: Path) -> None:
    clock, ended = Clock(), list[StalledError]()
    context = context_of(small_spec(guard={"stall_s": 60}), tmp_path)
    dog = Watchdog(context, Totals(), ended.append, clock)
    clock.now = 59.0
    dog.look()
    dog.on_substep_end(None, type("State", (), {"global_step": 4}), None)
    clock.now = 118.0
    dog.look()
    assert ended == []
    clock.now = 120.0
    dog.look()
    (error,) = ended
    assert error.step == 4
    assert "guard.stall_s is 60" in error.message


def test_what_a_killed_attempt_had_made_beyond_its_checkpoint_is_told_by_the_next(
    tmp_path: Path,
) -> None:
    write_colours(tmp_path)
    context = context_of(small_spec(budget={"steps": 12}), tmp_path)
    attempt_at(context).train()
    # As if it had been killed at step 17 of more, with its last checkpoint at step 12.
    again = context_of(small_spec(budget={"steps": 13}), tmp_path)
    saved = attempt_at(again).totals
    last = LastStep(step=17, tokens=saved.tokens + 900, train_s=saved.train_s + 31)
    (context.output / LAST_STEP).write_text(last.model_dump_json())
    attempt_at(again).train()
    line = [line for line in read_progress(again.output) if line.kind == "resume"][-1]
    assert (line.step, line.lost_steps, line.lost_tokens) == (12, 5, 900)
    assert resume_note(line).startswith("5 steps (900 tokens, 31 s) had been made beyond it.")


def test_how_far_training_came_is_written_beside_it(tmp_path: Path) -> None:
    context = context_of(small_spec(), tmp_path)
    dog = Watchdog(context, Totals(tokens=70, train_s=1.5), lambda _: None, Clock())
    dog.on_step_end(None, type("State", (), {"global_step": 3}), None)
    dog.look()
    assert LastStep.of(context) == LastStep(step=3, tokens=70, train_s=1.5)


def test_nothing_is_lost_where_the_checkpoint_is_of_the_last_step() -> None:
    last = LastStep(step=8, tokens=10, train_s=1.0)
    assert lost_since(last, 8, Totals()) == {}
    assert lost_since(None, 0, Totals()) == {}
    assert resume_note(ResumeLine(at=0, step=8, exact=True, note="Same.")) == "Same."
