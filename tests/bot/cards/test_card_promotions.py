"""What cards of promotions and models say and offer."""

from bot.cards import render
from bot.cards.text import as_text
from bot.domain.promotion_posts import PromotionPost
from tests.bot.cards.reading import buttons, said, sent_by
from tests.bot.cards.sample_promotions import ID, LIVE, OPEN, PROMOTION_POSTS, RUN
from tests.bot.cards.samples import LINKS


def test_a_plan_shows_cost_end_and_doubled_quota_before_anything_is_spent() -> None:
    shown = said(OPEN)
    for words in (
        "EUR 0.05 an hour, used or not; EUR 1.20 in 24 hours",
        "then it is undeployed by itself",
        "for 2 of them during the switch, when old and new are both up; 1 after it",
        "promo-20261123-zzzzzz",
        "Goal missed",
    ):
        assert words in shown


def test_start_sends_all_that_was_planned() -> None:
    assert sent_by(OPEN, "Start") == {
        "action": "promote_start",
        "promotion": ID,
        "run": RUN,
        "order": "cd" * 32,
        "for": "a1",
        "model": "assistant",
        "endpoint": "assistant",
        "machine": "local-cpu",
        "hours": "24",
        "instances": "1",
    }


def test_a_plan_that_is_over_cannot_be_started() -> None:
    card = render(PROMOTION_POSTS["promotion plan started"], LINKS)
    assert list(buttons(card)) == ["Open run"]
    assert "Ask for approval" in buttons(
        render(PROMOTION_POSTS["promotion plan that needs approval"], LINKS)
    )


def test_the_alert_has_address_and_a_call_to_try() -> None:
    shown = said(PROMOTION_POSTS["promotion alert live"])
    assert "http://127.0.0.1:3978/endpoints/assistant/v1/chat/completions" in shown
    assert '"model": "assistant"' in shown
    assert "Bearer" not in shown
    azure = said(PROMOTION_POSTS["promotion alert live in Azure"])
    assert "Bearer $TOKEN" in azure
    assert "az account get-access-token" in azure


def test_what_is_live_can_be_undeployed_and_what_is_on_its_way_cancelled() -> None:
    undeploy = sent_by(PROMOTION_POSTS["promotion live"], "Undeploy …")
    assert undeploy == {"action": "ask_undeploy", "promotion": ID}
    cancel = sent_by(PROMOTION_POSTS["promotion deploying"], "Cancel …")
    assert cancel == {"action": "ask_cancel", "run": ID}
    assert "Cancel …" not in buttons(render(PROMOTION_POSTS["promotion undeploying"], LINKS))


def test_the_key_of_an_approval_is_on_no_other_card() -> None:
    asked = PROMOTION_POSTS["promotion approval"]
    assert sent_by(asked, "Approve") == {"action": "approve", "approval": "k3y"}
    view = asked.promotion  # type: ignore[union-attr]
    assert "k3y" not in str(render(PromotionPost(view), LINKS).body)


def test_a_word_before_the_end_offers_to_keep_it() -> None:
    post = PROMOTION_POSTS["promotion expiry"]
    keep = f"promote {RUN} as assistant endpoint=assistant machine=local-cpu hours=24"
    assert keep in said(post)
    assert keep in as_text(post, LINKS).replace("\n    ", " ")


def test_the_console_says_what_the_cards_say() -> None:
    text = as_text(PROMOTION_POSTS["promotion alert live"], LINKS)
    assert "@Alex Wilber" in text
    assert "curl http://127.0.0.1:3978/endpoints/assistant/v1/chat/completions" in text
    models = as_text(PROMOTION_POSTS["models"], LINKS)
    assert "assistant version 3: production, evaluation loss 4.1" in models
    assert LIVE.url in models
