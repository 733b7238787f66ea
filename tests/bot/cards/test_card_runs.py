"""What the cards of runs say and offer, state by state."""

import re
from dataclasses import replace

import pytest

from bot.cards import render
from bot.cards.status import LOOKS, RAIL_LOOKS
from bot.cards.text import as_text
from bot.domain.posts import (
    AlertPost,
    LogsPost,
    RunPost,
    RunsPost,
)
from bot.domain.run import RunStatus
from bot.domain.view import RailState
from tests.bot.cards.reading import buttons, said, sent_by, texts
from tests.bot.cards.sample_runs import RUNS, TRAINING
from tests.bot.cards.samples import LINKS, POSTS


def test_every_status_and_every_stage_has_a_word_and_a_glyph() -> None:
    assert set(LOOKS) == set(RunStatus)
    assert set(RAIL_LOOKS) == set(RailState)
    assert all(look.word and look.glyph for look in (*LOOKS.values(), *RAIL_LOOKS.values()))
    words = [look.word for look in LOOKS.values()]
    assert len(set(words)) == len(words)


def test_the_progress_card_shows_steps_loss_speed_time_and_money() -> None:
    shown = said(RunPost(TRAINING))
    for words in (
        "step 40 of 200, 20 %",
        "4.10 → 2.31",
        "21,300 tokens/s",
        "about 1 min 20 s",
        "EUR 0.02 of EUR 0.01 expected, limit EUR 0.10",
        "✓ queued → ✓ approved 3 s → ✓ prepare 7 s → ● training 10 s → ○ evaluation",
        "Loss 4.10 at step 1 → 2.67 at step 36",
        TRAINING.id,
    ):
        assert words in shown


def test_money_that_is_next_to_nothing_is_set_against_what_was_expected() -> None:
    cheap = replace(TRAINING, plan=replace(TRAINING.plan, cost=0.003), cost=0.008, cost_limit=None)
    assert "EUR 0.01 (under EUR 0.01 expected)" in said(RunPost(cheap))


def test_a_toast_of_a_training_run_says_how_far_it_is() -> None:
    assert render(RunPost(TRAINING), LINKS).summary == "tiny-sft: training 40 of 200, loss 2.31"
    assert "failed. The loss became" in render(RunPost(RUNS["failed"]), LINKS).summary


def test_what_is_not_known_yet_is_not_shown() -> None:
    shown = said(RunPost(RUNS["queued"]))
    for words in ("Loss", "Speed", "Time left", "step 0", "unknown", "None", "Attempt"):
        assert words not in shown


def test_a_waiting_run_shows_its_place_and_a_resumed_one_its_attempt() -> None:
    assert "Place in queue\n2" in said(RunPost(RUNS["waiting"]))
    assert "Attempt\n2" in said(RunPost(RUNS["second attempt"]))
    assert "Attempt" not in said(RunPost(TRAINING))


def test_a_loss_that_is_no_number_is_said_and_left_out_of_the_chart() -> None:
    card = render(RunPost(RUNS["broken loss"]), LINKS)
    assert "4.10 → not a number" in said(RunPost(RUNS["broken loss"]))
    (chart,) = [e for e in card.body["body"] if e["type"] == "Chart.Line"]
    assert len(chart["data"][0]["values"]) == 3


def test_what_may_not_have_arrived_is_on_the_card() -> None:
    assert "! The approval question may not have reached" in said(RunPost(RUNS["undelivered"]))


@pytest.mark.parametrize("name", [n for n, run in RUNS.items() if n not in ("hostile", "huge")])
def test_only_a_living_run_can_be_cancelled_and_only_an_ended_one_run_again(name: str) -> None:
    run = RUNS[name]
    offered = buttons(render(RunPost(run), LINKS))
    assert ("Cancel …" in offered) == (not run.status.is_final and not run.is_stopping)
    assert ("Run again" in offered) == run.status.is_final
    assert offered["Open run"]["url"] == "http://127.0.0.1:3978/runs/run-20261123-a2b3c4"


def test_cancel_only_asks_since_an_edit_would_close_what_it_unfolds() -> None:
    assert sent_by(RunPost(TRAINING), "Cancel …") == {"action": "ask_cancel", "run": TRAINING.id}


def test_the_alert_mentions_the_requester_by_directory_id() -> None:
    card = render(AlertPost(RUNS["failed"], "aad-1", "Alex <b>Wilber</b>"), LINKS)
    (mention,) = card.mentions
    assert (mention.id, mention.name) == ("aad-1", "Alex b Wilber b")
    (entity,) = card.body["msteams"]["entities"]
    assert entity["mentioned"] == {"id": "aad-1", "name": mention.name}
    assert entity["text"] in texts(card.body["body"])


def test_the_alert_of_a_failure_says_cause_remedy_and_the_last_lines() -> None:
    post = AlertPost(RUNS["failed"], "a1", "Alex Wilber")
    shown = said(post)
    assert "✗ The loss became not a number (at step 37)." in shown
    assert "Try a smaller learning rate, lr=1e-4, then rerun it." in shown
    assert "step=11 loss=3.000" in shown
    assert sent_by(post, "Run again") == {"action": "rerun", "run": TRAINING.id}


@pytest.mark.parametrize(
    ("name", "words"), [("goal reached", "✓ Goal reached"), ("goal missed", "✗ Goal missed")]
)
def test_the_alert_of_a_result_gives_the_verdict(name: str, words: str) -> None:
    shown = said(AlertPost(RUNS[name], "a1", "Alex Wilber"))
    assert words in shown
    assert "4.60 → 2.31, perplexity 10.1" in shown


def test_the_list_of_runs_opens_each_and_counts_the_rest() -> None:
    post = RunsPost("Runs", (TRAINING,) * 20, 40)
    rows = [e for e in render(post, LINKS).body["body"] if e["type"] == "Container"]
    assert len(rows) == 15
    assert rows[0]["selectAction"]["url"].endswith(f"/runs/{TRAINING.id}")
    assert "… 25 more on the page of all runs." in said(post)
    assert "▶ Training" in said(post)
    assert f"step 40 of 200, 20 %, loss 2.31, Alex Wilber, {TRAINING.id}" in said(post)


def test_the_log_card_shows_the_last_lines_and_which_they_are() -> None:
    lines = tuple(f"line {number}" for number in range(1, 101))
    shown = said(LogsPost(TRAINING.id, "tiny-sft", lines, 1, 100))
    assert "lines 61 to 100 of 100" in shown
    assert "line 60" not in shown
    assert re.search(r"line 61\n(line \d+\n)+line 100$", shown)


def test_metrics_show_last_and_best_with_their_steps() -> None:
    shown = said(POSTS["metrics"])
    assert "loss\n2.31 at step 40 (best)" in shown
    assert "grad_norm\n1.20 at step 40, best 0.800 at step 20" in shown


def test_a_run_that_waits_elsewhere_says_for_what_and_leads_there() -> None:
    waiting = replace(
        RUNS["waiting"],
        why_waiting="Somebody must approve `krsp-training` in Azure DevOps.",
        links=(
            ("Pipeline run", "https://dev.azure.com/krsp-lab/training/_build/results?buildId=7"),
        ),
    )
    assert "must approve" in said(RunPost(waiting))
    assert "Open pipeline run" in buttons(render(RunPost(waiting), LINKS))


def test_a_silent_service_is_told_on_the_card_and_in_the_console() -> None:
    troubled = replace(TRAINING, trouble="Since 10:03 UTC: Azure ML does not answer.")
    assert "Azure ML does not answer" in said(RunPost(troubled))
    assert "Azure ML does not answer" in as_text(RunPost(troubled), LINKS)
