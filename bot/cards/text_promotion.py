"""Promotions and models as plain text."""

from bot.cards.approval import answer_words
from bot.cards.card import Links
from bot.cards.numbers import moment
from bot.cards.page import Page
from bot.cards.promotion import keep_command
from bot.cards.promotion_words import (
    approval_facts,
    endpoint_words,
    example_call,
    look_of_promotion,
    plan_facts,
    promotion_facts,
    subtitle_of,
    title_of,
    token_words,
    version_words,
)
from bot.cards.rail import rail_line
from bot.domain.promotion_posts import (
    ModelsPost,
    PromotionAlertPost,
    PromotionApprovalPost,
    PromotionExpiryPost,
    PromotionPlanPost,
    PromotionPost,
)


def promotion_plan_text(post: PromotionPlanPost) -> str:
    """Return the plan; the console's `promote` has the same values."""
    page = Page(f"Promote {post.model}? Served as {post.endpoint}")
    page.facts(plan_facts(post)).bullets(post.plan.warnings, "!")
    if post.approval_why:
        page.bullets([f"Needs another person's approval: {post.approval_why}"], "!")
    if post.started_by:
        page.say(f"✓ Started by {post.started_by}.")
    return page.facts((("Promotion", post.promotion_id),)).text()


def promotion_text(post: PromotionPost, links: Links) -> str:
    """Return what is going on, the rail, and what is known."""
    view = post.promotion
    page = Page(f"{title_of(view)}  {look_of_promotion(view).label}").say(subtitle_of(view))
    page.say(view.headline).say(rail_line(view.rail)).facts(promotion_facts(view))
    page.bullets([*view.waits_for, *([view.note] if view.note else [])], "!")
    return page.link(links.run(view.run_id)).text()


def promotion_alert_text(post: PromotionAlertPost, links: Links) -> str:
    """Return how to call it, or why it failed, or that it is over."""
    view = post.promotion
    page = Page(f"{title_of(view)}  {look_of_promotion(view).label}  @{post.mention_name}")
    page.say(view.headline).facts(promotion_facts(view))
    example = example_call(view)
    if example:
        page.part("Try it").code(example).say(token_words(view))
    if view.log_tail:
        page.part("Last log lines").code(view.log_tail)
    return page.link(links.run(view.run_id)).text()


def promotion_approval_text(post: PromotionApprovalPost, links: Links) -> str:
    """Return the question, or the answer that it got."""
    view = post.promotion
    if view.approval is None:
        page = Page(f"Approval of {title_of(view)}").say(answer_words(view))
    else:
        page = Page(f"Serve {view.model} as {view.endpoint}? {view.requester} asks.")
        page.say(view.approval.why)
    page.facts(approval_facts(view)).bullets(view.plan.warnings, "!")
    if view.approval is not None:
        who = ", ".join(post.may_decide) or "nobody"
        page.facts((("Who decides", who), ("Expires", moment(view.approval.expires_at))))
    return page.link(links.run(view.run_id)).text()


def promotion_expiry_text(post: PromotionExpiryPost) -> str:
    """Return when it ends, and how to keep it."""
    view = post.promotion
    when = f" on {moment(view.expires_at)}" if view.expires_at else ""
    page = Page(f"{title_of(view)} ends by itself{when}.")
    return page.say("To keep it, promote it again:").bullets([keep_command(view)]).text()


def models_text(post: ModelsPost, links: Links) -> str:
    """Return what is served, then the registered versions."""
    page = Page("Models").part("Served")
    for endpoint in post.endpoints:
        page.bullets([f"{endpoint.name}: {endpoint_words(endpoint)}"]).say(endpoint.url)
    if not post.endpoints:
        page.say("Nothing is served.")
    page.part("Registered")
    page.bullets(f"{v.model} version {v.version}: {version_words(v)}" for v in post.versions)
    if not post.versions:
        page.say("No model is registered yet: `promote <run>`.")
    more = post.total - len(post.versions)
    if more > 0:
        page.say(f"… {more:,} more:")
    return page.link(links.models()).text()
