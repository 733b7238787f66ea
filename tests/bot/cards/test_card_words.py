"""What each card says and offers, state by state."""

import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.cards import Card, render
from bot.cards.status import LOOKS, RAIL_LOOKS
from bot.domain.posts import (
    AlertPost,
    ApprovalPost,
    FormField,
    LogsPost,
    MetricsPost,
    PlanPost,
    Post,
    RunPost,
    RunsPost,
    TextPost,
)
from bot.domain.run import RunStatus
from bot.domain.view import RailState
from tests.bot.cards.samples import (
    FAULTY_FORM,
    FORM,
    HOSTILE,
    LINKS,
    OPEN_PLAN,
    POSTS,
    RUNS,
    TRAINING,
)


def texts(node: Any) -> list[str]:
    """Return what a person reads in a card, one string for each paragraph; fallbacks apart."""
    if isinstance(node, list):
        return [text for item in node for text in texts(item)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "RichTextBlock":
        return ["".join(run["text"] for run in node["inlines"])]
    own = [node[key] for key in ("text", "title", "label", "errorMessage") if key in node]
    return own + [t for key, value in node.items() if key != "fallback" for t in texts(value)]


def said(post: Post) -> str:
    return "\n".join(texts(render(post, LINKS).body["body"])).replace("\u00a0", " ")


def buttons(card: Card) -> dict[str, dict[str, Any]]:
    """Return the card's buttons by title, those inside others included."""
    found = {}
    todo = list(card.body.get("actions", []))
    todo += [a for e in card.body["body"] if e["type"] == "ActionSet" for a in e["actions"]]
    while todo:
        action = todo.pop()
        found[action["title"]] = action
        todo += action.get("card", {}).get("actions", [])
    return found


def inputs(card: Card) -> dict[str, dict[str, Any]]:
    return {e["id"]: e for e in card.body["body"] if e["type"].startswith("Input.")}


def sent_by(post: Post, title: str) -> dict[str, Any]:
    data: dict[str, Any] = buttons(render(post, LINKS))[title]["data"]
    return data


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
    assert ("Cancel" in offered) == (not run.status.is_final and not run.is_stopping)
    assert ("Run again" in offered) == run.status.is_final
    assert offered["Open run"]["url"] == "http://127.0.0.1:3978/runs/run-20261123-a2b3c4"


def test_cancelling_takes_a_second_click() -> None:
    card = render(RunPost(TRAINING), LINKS)
    assert buttons(card)["Cancel"]["type"] == "Action.ShowCard"
    assert sent_by(RunPost(TRAINING), "Yes, cancel the run") == {
        "action": "cancel",
        "run": TRAINING.id,
    }


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


def test_the_plan_gives_cost_time_size_and_differences_before_anything_is_spent() -> None:
    post = POSTS["plan that needs approval"]
    shown = said(post)
    for words in (
        "about EUR 4.32 (EUR 3.20 to EUR 7.20)",
        "about 1 h 30 min (1 h 6 min to 2 h 30 min)",
        "135 M parameters, 4.88 M of them trained (3.63 %)",
        "200 steps, 819,200 tokens",
        "about 1.14 GB",
        "local-cpu, EUR 0.60 an hour",
        "optim.lr\n0.0002 (recipe: 0.0003)",
        "data.eval.uri\ndata/held_out.jsonl (recipe: none)",
        "! 12 rows are longer",
        "Needs another person's approval: It may cost EUR 7.20",
    ):
        assert words in shown
    assert "Start" not in buttons(render(post, LINKS))
    assert sent_by(post, "Ask for approval") == {"action": "start", "draft": TRAINING.id}


def test_an_open_plan_can_be_started_or_changed() -> None:
    assert sent_by(OPEN_PLAN, "Start") == {"action": "start", "draft": OPEN_PLAN.draft_id}
    assert sent_by(OPEN_PLAN, "Change") == {"action": "change", "draft": OPEN_PLAN.draft_id}
    assert "All settings are the recipe's." in said(OPEN_PLAN)


@pytest.mark.parametrize("name", ["plan started", "plan replaced"])
def test_a_plan_that_is_over_has_no_buttons(name: str) -> None:
    post = POSTS[name]
    assert isinstance(post, PlanPost)
    assert "actions" not in render(post, LINKS).body
    assert ("Started by Alex Wilber." in said(post)) == (post.state == "started")


def test_more_differences_than_fit_are_counted() -> None:
    many = replace(OPEN_PLAN.plan, differences=RUNS["hostile"].plan.differences)
    assert "…\n28 more" in said(replace(OPEN_PLAN, plan=many))


def test_the_form_asks_for_the_recipe_first_and_can_change_it() -> None:
    card = render(FORM, LINKS)
    assert list(inputs(card)) == ["recipe", "name", "data", "steps", "lr"]
    assert inputs(card)["recipe"]["value"] == "tiny-sft"
    assert [c["value"] for c in inputs(card)["recipe"]["choices"]] == ["tiny-sft", "tiny-lm"]
    assert sent_by(FORM, "Use this recipe") == {"action": "form", "nonce": "n-1"}
    assert sent_by(FORM, "Show plan") == {"action": "plan", "nonce": "n-1", "recipe": "tiny-sft"}


def test_a_faulty_form_keeps_what_was_typed_and_says_each_fault_at_its_field() -> None:
    card = render(FAULTY_FORM, LINKS)
    fields = inputs(card)
    assert (fields["steps"]["type"], fields["steps"]["value"]) == ("Input.Number", -5.0)
    assert (fields["lr"]["type"], fields["lr"]["value"]) == ("Input.Text", "fast")
    assert fields["sku"]["value"] in [choice["value"] for choice in fields["sku"]["choices"]]
    elements = card.body["body"]
    below = elements[elements.index(fields["steps"]) + 1]
    assert texts(below) == ["✗ must be greater than 0 (got -5)"]
    assert below["inlines"][0]["color"] == "Attention"
    assert fields["steps"]["errorMessage"] == "must be greater than 0 (got -5)"
    assert "✗ There is no room for another run today." in said(FAULTY_FORM)
    assert card.summary == "New run: 3 entries need another look"


@pytest.mark.parametrize("value", ["", "  ", "1e-4", "nan", "inf", "٣", "1_000", "--5"])
def test_a_number_field_takes_any_text_without_breaking(value: str) -> None:
    field = FormField("lr", "Learning rate", value, "number", fault="must be a number")
    drawn = inputs(render(replace(FORM, fields=(field,)), LINKS))["lr"]
    if value == "1e-4":
        assert drawn["value"] == 1e-4
    elif drawn["type"] == "Input.Text":
        assert drawn["value"] == value


def test_an_approval_can_be_given_at_once_and_refused_with_a_reason_only() -> None:
    post = POSTS["approval awaiting approval"]
    card = render(post, LINKS)
    assert sent_by(post, "Approve") == {"action": "approve", "key": "k3y"}
    asked = buttons(card)["Reject …"]["card"]["body"][0]
    assert (asked["id"], asked["isRequired"]) == ("reason", True)
    assert sent_by(post, "Reject") == {"action": "reject", "key": "k3y"}
    shown = said(post)
    assert "Alex Wilber asks: It may cost EUR 7.20" in shown
    assert "approvers, admins. Not Alex Wilber." in shown
    assert "{{DATE(2026-11-24T02:40:00Z,SHORT)}}" in shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("approved", "✓ Approved by Megan Bowen."),
        ("rejected", "✗ Rejected by Megan Bowen: use fewer steps"),
        ("expired", "■ Expired: nobody decided in time."),
        ("cost limit", "■ Withdrawn before anybody decided."),
    ],
)
def test_a_decided_approval_says_who_and_why_and_cannot_be_decided_again(
    name: str, words: str
) -> None:
    post = ApprovalPost(RUNS[name], ("approvers",))
    assert words in said(post)
    assert list(buttons(render(post, LINKS))) == ["Open run"]


def test_the_key_of_an_approval_is_on_no_other_card() -> None:
    run = RUNS["awaiting approval"]
    for post in (RunPost(run), RunsPost("Runs", (run,), 1), MetricsPost(run, ())):
        assert "k3y" not in str(render(post, LINKS).body)


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


def test_a_suggestion_is_said_for_the_person() -> None:
    post = TextPost("Did you mean `train`?", suggestions=("train tiny-sft",))
    assert sent_by(post, "train tiny-sft") == {"action": "say", "text": "train tiny-sft"}


def test_backticks_become_a_fixed_width_font() -> None:
    (block,) = render(TextPost("Say `runs` now."), LINKS).body["body"]
    assert [(r["text"], r.get("fontType")) for r in block["inlines"]] == [
        ("Say ", None),
        ("runs", "Monospace"),
        (" now.", None),
    ]


@pytest.mark.parametrize("tone", ["good", "warning", "attention"])
def test_a_tone_is_told_by_a_glyph_as_well_as_by_colour(tone: Any) -> None:
    post = TypeAdapter(TextPost).validate_python({"text": "Well.", "tone": tone})
    (notice,) = render(post, LINKS).body["body"]
    assert notice["style"] == tone
    assert re.match(r"[✓!✗] Well\.", said(post))


def test_whoami_shows_the_id_that_rights_hang_on() -> None:
    shown = said(POSTS["whoami"])
    assert "Object id\na1" in shown
    assert "start runs up to EUR 1.00 alone" in shown


def test_a_forged_approval_stays_text() -> None:
    shown = said(TextPost(HOSTILE))
    assert "[APPROVED](" not in shown
    assert "<at>" not in shown
    assert "{{DATE" not in shown
