"""The console shows every post as text that fits its window."""

import re

import pytest

from bot.cards.text import as_text, progress_line
from bot.domain.posts import AlertPost, FormPost, RunPost
from tests.bot.cards.sample_runs import RUNS, TRAINING
from tests.bot.cards.samples import LINKS, POSTS

EACH = pytest.mark.parametrize("name", POSTS)

RUN_AS_TEXT = """\
tiny-sft ▶ Training (tiny-sft, asked by Alex Wilber)
  Training, step 40 of 200.
  queued ✓ > approved ✓ > prepare ✓ > training … > evaluation
  Progress         step 40 of 200, 20 %
  Loss             4.10 → 2.31
  Evaluation loss  2.60
  Speed            21,300 tokens/s
  Time left        about 1 min 20 s
  Cost so far      EUR 0.02 of EUR 0.01 expected, limit EUR 0.10
  Curve            █▇▅▄▃▂▁▁ 4.10 → 2.31
  http://127.0.0.1:3978/runs/run-20261123-a2b3c4"""

PLAN_AS_TEXT = """\
Plan: tiny-sft (Small chat model)
  Cost      about EUR 4.32 (EUR 3.20 to EUR 7.20)
  Time      about 1 h 30 min (1 h 6 min to 2 h 30 min)
  Machine   local-cpu, EUR 0.60 an hour
  Data      builtin:docstrings
  Method    sft
  Asked by  Alex Wilber
  Model     135 M parameters, 4.88 M of them trained (3.63 %)
  Training  200 steps, 819,200 tokens
  Memory    about 1.14 GB
  Speed from 3 earlier runs of this shape on local-cpu.

Different from the recipe
  optim.lr       0.0002 (recipe: 0.0003)
  data.eval.uri  data/held_out.jsonl (recipe: none)
  budget.steps   400 (recipe: 200)
  ! 12 rows are longer than 512 tokens and are dropped.
  ! Needs another person's approval: It may cost EUR 7.20 and you may start up to EUR 1.00 alone.
  Run id  run-20261123-a2b3c4"""

TRAINING_LINE = (
    "tiny-sft: step 40 of 200, 20 %, loss 4.10 → 2.31, 21,300 tokens/s, 1 min 20 s left, EUR 0.02"
)


@EACH
def test_no_line_is_wider_than_100_columns(name: str) -> None:
    for line in as_text(POSTS[name], LINKS).splitlines():
        assert len(line) <= 100


@EACH
def test_no_line_garbles_a_terminal(name: str) -> None:
    shown = as_text(POSTS[name], LINKS)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)
    assert "\n\n\n" not in shown


def test_a_training_run_reads_as_a_card_does() -> None:
    assert as_text(RunPost(TRAINING), LINKS) == RUN_AS_TEXT


def test_a_plan_reads_as_a_card_does() -> None:
    assert as_text(POSTS["plan that needs approval"], LINKS) == PLAN_AS_TEXT


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "training",
            TRAINING_LINE,
        ),
        ("queued", "tiny-sft: … Queued. Waits for the pipeline."),
        (
            "failed",
            "tiny-sft: ✗ Failed. The loss became not a number (at step 37).",
        ),
    ],
)
def test_progress_is_one_line(name: str, line: str) -> None:
    assert progress_line(RunPost(RUNS[name])) == line


@pytest.mark.parametrize("name", RUNS)
def test_progress_is_one_line_whatever_a_run_is_called(name: str) -> None:
    line = progress_line(RunPost(RUNS[name]))
    assert "\n" not in line
    assert len(line) <= 100


def test_a_failed_run_shows_remedy_and_log() -> None:
    shown = as_text(AlertPost(RUNS["failed"], "a1", "Alex Wilber"), LINKS)
    assert "@Alex Wilber" in shown
    assert "Try a smaller learning rate, `lr=1e-4`, then `rerun` it." in shown
    assert "  | 2026-11-23 02:41:11 step=11 loss=3.000" in shown


def test_the_form_shows_each_fault_below_its_field() -> None:
    post = POSTS["form with faults"]
    assert isinstance(post, FormPost)
    shown = as_text(post, LINKS).splitlines()
    at = next(index for index, line in enumerate(shown) if line.startswith("  Steps"))
    assert shown[at].split() == ["Steps", "-5"]
    assert shown[at + 1].strip() == "✗ must be greater than 0 (got -5)"


@pytest.mark.parametrize("name", ["run training", "approval expired", "runs", "logs", "metrics"])
def test_the_link_stands_alone_and_whole(name: str) -> None:
    assert re.search(
        r"^  http://127\.0\.0\.1:3978/runs\S*$", as_text(POSTS[name], LINKS), re.MULTILINE
    )
