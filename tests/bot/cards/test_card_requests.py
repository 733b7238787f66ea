"""What forms, plans, approvals and answers say and offer."""

import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.cards import render
from bot.domain.posts import (
    ApprovalPost,
    FormField,
    MetricsPost,
    PlanPost,
    RunPost,
    RunsPost,
    TextPost,
)
from tests.bot.cards.reading import buttons, inputs, said, sent_by, texts
from tests.bot.cards.sample_runs import HOSTILE, RUNS, TRAINING
from tests.bot.cards.samples import FAULTY_FORM, FORM, LINKS, OPEN_PLAN, POSTS


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
    assert sent_by(post, "Approve") == {"action": "approve", "approval": "k3y"}
    asked = buttons(card)["Reject …"]["card"]["body"][0]
    assert (asked["id"], asked["isRequired"]) == ("reason", True)
    assert sent_by(post, "Reject") == {"action": "reject", "approval": "k3y"}
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


def test_a_suggestion_is_said_for_the_person() -> None:
    post = TextPost("Did you mean `train`?", suggestions=("train tiny-sft",))
    assert sent_by(post, "train tiny-sft") == {"action": "say", "text": "train tiny-sft"}


def test_who_must_sign_in_first_gets_a_button_for_it() -> None:
    post = TextPost("Sign in.", "warning", sign_in_url="https://krsp.example/auth/sign-in")
    (button,) = render(post, LINKS).body["actions"]
    assert (button["type"], button["title"]) == ("Action.OpenUrl", "Sign in")
    assert button["url"] == "https://krsp.example/auth/sign-in"


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
