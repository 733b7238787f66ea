"""The cards of a promotion: plan, progress, alert, approval, and the word before it ends."""

from microsoft_teams.cards import Action, CardElement, TextBlock

from bot.cards.approval import answer_buttons, answer_line, answer_words, deciders
from bot.cards.buttons import open_page, press, say
from bot.cards.card import Card, Links, Mention
from bot.cards.elements import (
    code_lines,
    facts,
    heading,
    mentioned,
    notice,
    sentence,
    sentences,
    short,
    status_title,
    title,
)
from bot.cards.escape import mention_name
from bot.cards.frame import card
from bot.cards.numbers import client_moment, money
from bot.cards.promotion_words import (
    approval_facts,
    example_call,
    look_of_promotion,
    plan_facts,
    promotion_facts,
    subtitle_of,
    summary_of,
    title_of,
    token_words,
)
from bot.cards.rail import rail_block
from bot.domain.promotion import PromotionStatus
from bot.domain.promotion_posts import (
    PromotionAlertPost,
    PromotionApprovalPost,
    PromotionExpiryPost,
    PromotionPlanPost,
    PromotionPost,
)
from bot.domain.promotion_view import PromotionView

FAILED = frozenset({PromotionStatus.FAILED, PromotionStatus.ROLLED_BACK, PromotionStatus.REJECTED})


def promotion_plan_card(post: PromotionPlanPost, links: Links) -> Card:
    """Draw running cost, end and quota first; Start stands only on an open plan."""
    body: list[CardElement] = title(
        f"Promote {post.model}?", f"served as `{post.endpoint}`, `{post.promotion_id}`"
    )
    body += facts(plan_facts(post))
    body += [notice(f"! {warning}", "Warning") for warning in post.plan.warnings]
    if post.approval_why:
        body.append(notice(f"Needs another person's approval: {post.approval_why}", "Warning"))
    if post.started_by:
        body.append(notice(f"✓ Started by {post.started_by}.", "Good"))
    cost = money(post.plan.price_per_hour, post.plan.currency)
    summary = short(f"Promote {post.model}: {cost} an hour")
    actions: list[Action] = [open_page(links.run(post.run_id))]
    if not post.started_by:
        start = "Ask for approval" if post.approval_why else "Start"
        actions.insert(0, press(start, start_data(post), "positive"))
    return card(summary, body, actions)


def start_data(post: PromotionPlanPost) -> dict[str, str]:
    """Return what Start sends: the plan's values; the server plans them anew."""
    return {
        "action": "promote_start",
        "promotion": post.promotion_id,
        "run": post.run_id,
        "order": post.plan.order_sha256,
        "for": post.requester_id,
        "model": post.model,
        "endpoint": post.endpoint,
        "machine": post.plan.machine,
        "hours": f"{post.plan.hours:g}",
        "instances": str(post.plan.instances),
    }


def promotion_card(post: PromotionPost, links: Links) -> Card:
    """Draw what is going on, the rail, and what is known; edited in place."""
    view = post.promotion
    body = status_title(title_of(view), subtitle_of(view), look_of_promotion(view))
    body += _outcome(view)
    body.append(rail_block(view.rail))
    body += [notice(f"! {text}", "Warning") for text in view.waits_for]
    body += facts(promotion_facts(view))
    if view.note:
        body.append(notice(f"! {view.note}", "Warning"))
    return card(summary_of(view), body, _actions(view, links))


def promotion_alert_card(post: PromotionAlertPost, links: Links) -> Card:
    """Draw how to call it, or why it failed, or that it is over; mentions the requester."""
    view = post.promotion
    mention = Mention(post.mention_id, mention_name(post.mention_name))
    body = status_title(title_of(view), f"`{view.id}`", look_of_promotion(view))
    body.append(mentioned(mention))
    body += _outcome(view)
    body += facts(promotion_facts(view))
    body += _example(view)
    if view.log_tail:
        body += [heading("Last log lines"), code_lines(view.log_tail, 300)]
    return card(summary_of(view), body, _actions(view, links), [mention])


def promotion_approval_card(post: PromotionApprovalPost, links: Links) -> Card:
    """Draw who asks for what, what it costs and why it is asked; then the buttons or the answer."""
    view = post.promotion
    body = title(f"Serve {view.model} as {view.endpoint}?", f"`{view.id}`")
    if view.approval is None:
        body.append(answer_line(view))
    else:
        body.append(notice(f"{view.requester} asks: {view.approval.why}", "Warning"))
    body += facts(approval_facts(view))
    body += [notice(f"! {warning}", "Warning") for warning in view.plan.warnings]
    if view.approval is not None:
        body += deciders(view.approval, post.may_decide, view.requester)
    asks = f"{view.requester} asks for approval: serve {view.model}"
    summary = short(asks if view.approval else f"{view.endpoint}: {answer_words(view)}")
    return card(summary, body, answer_buttons(view.approval, links.run(view.run_id)))


def promotion_expiry_card(post: PromotionExpiryPost, links: Links) -> Card:
    """Draw when it ends, and how to keep it."""
    view = post.promotion
    body = status_title(title_of(view), subtitle_of(view), look_of_promotion(view))
    body.append(notice(f"! `{view.endpoint}` ends by itself soon.", "Warning"))
    if view.expires_at is not None:
        until = f"It ends {client_moment(view.expires_at)}."
        body.append(TextBlock(text=until, wrap=True, spacing="None"))
    body.append(sentence(f"To keep it, promote it again: `{keep_command(view)}`."))
    return card(
        short(f"{view.endpoint} ends soon"),
        body,
        [
            say(keep_command(view)),
            say(f"undeploy {view.endpoint}"),
            open_page(links.run(view.run_id)),
        ],
    )


def keep_command(view: PromotionView) -> str:
    """Return the sentence that serves the same for as long again."""
    return (
        f"promote {view.run_id} as {view.model} endpoint={view.endpoint} "
        f"machine={view.plan.machine} hours={view.plan.hours:g}"
    )


def _outcome(view: PromotionView) -> list[CardElement]:
    if view.status in FAILED:
        return [notice(f"✗ {view.headline}", "Attention")]
    if view.status is PromotionStatus.LIVE:
        return [notice(f"✓ {view.headline}", "Good")]
    return sentences(view.headline)


def _example(view: PromotionView) -> list[CardElement]:
    lines = example_call(view)
    if not lines:
        return []
    words = token_words(view)
    rest: list[CardElement] = [sentence(words, is_subtle=True)] if words else []
    return [heading("Try it"), code_lines(lines, 600), *rest]


def _actions(view: PromotionView, links: Links) -> list[Action]:
    actions: list[Action] = [open_page(links.run(view.run_id)), open_page(links.models(), "Models")]
    if view.status is PromotionStatus.LIVE:
        actions.append(press("Undeploy …", {"action": "ask_undeploy", "promotion": view.id}))
    elif not view.status.is_final and not view.is_stopping:
        if view.status is not PromotionStatus.UNDEPLOYING:
            actions.append(press("Cancel …", {"action": "ask_cancel", "run": view.id}))
    elif view.status in FAILED:
        actions.append(press("Promote again", {"action": "promote", "run": view.run_id}))
    return actions
