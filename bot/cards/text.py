"""Each post as plain text of at most 100 columns: what the console shows instead of a card."""

from typing import assert_never

from bot.cards.card import Links
from bot.cards.logs import position
from bot.cards.numbers import moment
from bot.cards.page import Page
from bot.cards.runs import row_words
from bot.cards.schedules import queue_text, schedules_text
from bot.cards.status import look_of
from bot.cards.text_promotion import (
    models_text,
    promotion_alert_text,
    promotion_approval_text,
    promotion_expiry_text,
    promotion_plan_text,
    promotion_text,
)
from bot.cards.text_run import (
    alert_text,
    approval_text,
    metrics_text,
    plan_text,
    progress_line,
    run_text,
)
from bot.domain.posts import (
    AlertPost,
    ApprovalPost,
    FormPost,
    HelpPost,
    LogsPost,
    MetricsPost,
    PlanPost,
    Post,
    QueuePost,
    RunPost,
    RunsPost,
    SchedulesPost,
    TextPost,
    WhoamiPost,
)
from bot.domain.promotion_posts import (
    ModelsPost,
    PromotionAlertPost,
    PromotionApprovalPost,
    PromotionExpiryPost,
    PromotionPlanPost,
    PromotionPost,
    PromotionPosts,
)

__all__ = ["as_text", "progress_line"]


def as_text(post: Post, links: Links) -> str:  # noqa: C901, PLR0911, PLR0912 - one line a post
    """Return the post as text; only addresses may be longer than a line."""
    match post:
        case TextPost():
            return _answer(post, links)
        case HelpPost():
            return _help(post)
        case WhoamiPost():
            return _whoami(post)
        case FormPost():
            return _form(post, links)
        case PlanPost():
            return plan_text(post)
        case RunPost():
            return run_text(post, links)
        case AlertPost():
            return alert_text(post, links)
        case ApprovalPost():
            return approval_text(post, links)
        case RunsPost():
            return _runs(post, links)
        case LogsPost():
            return _logs(post, links)
        case MetricsPost():
            return metrics_text(post, links)
        case SchedulesPost():
            return schedules_text(post)
        case QueuePost():
            return queue_text(post, links)
        case _:
            return _promotion_text(post, links)


def _promotion_text(post: PromotionPosts, links: Links) -> str:
    match post:
        case PromotionPlanPost():
            return promotion_plan_text(post)
        case PromotionPost():
            return promotion_text(post, links)
        case PromotionAlertPost():
            return promotion_alert_text(post, links)
        case PromotionApprovalPost():
            return promotion_approval_text(post, links)
        case PromotionExpiryPost():
            return promotion_expiry_text(post)
        case ModelsPost():
            return models_text(post, links)
    assert_never(post)


def _answer(post: TextPost, links: Links) -> str:
    mark = {"plain": "", "good": "✓ ", "warning": "! ", "attention": "✗ "}[post.tone]
    page = Page().say(f"{mark}{post.text}")
    if post.suggestions:
        page.part("Try").bullets(post.suggestions)
    if post.sweep_id:
        page.link(links.sweep(post.sweep_id))
    return page.text()


def _help(post: HelpPost) -> str:
    page = Page("What you can ask").say(post.greeting)
    for command in post.commands:
        page.part(command.usage).say(command.summary).say(f"For example: {command.example}")
    return page.text()


def _whoami(post: WhoamiPost) -> str:
    page = Page(f"You are {post.name}, {post.role}.").bullets(post.rights)
    page.facts((("Object id", post.person_id), ("Tenant", post.tenant)))
    return page.say(post.notice).text()


def _form(post: FormPost, links: Links) -> str:
    page = Page(f"New run: {post.recipe_title}").say(post.recipe_description)
    if post.fault:
        page.bullets([post.fault], "✗")
    width = max((len(field.label) for field in post.fields), default=0)
    for field in post.fields:
        page.facts(((field.label, field.value),), width)
        if field.fault:
            page.bullets([field.fault], "  ✗")
    page.say(f"Write it in one line, as `train {post.recipe} <key>=<value> ...`, or fill it in at")
    return page.link(links.new()).text()


def _runs(post: RunsPost, links: Links) -> str:
    page = Page(post.title)
    for run in post.runs:
        page.bullets(
            [f"{run.name}: {look_of(run).word}, {row_words(run)}, {moment(run.created_at)}"],
            look_of(run).glyph,
        ).link(links.run(run.id))
    if not post.runs:
        page.say("No runs.")
    more = post.total - len(post.runs)
    if more > 0:
        page.say(f"… {more:,} more:").link(links.runs())
    return page.say(post.hint).text()


def _logs(post: LogsPost, links: Links) -> str:
    page = Page(f"Log of {post.run_name}, {position(post, len(post.lines))}").code(post.lines)
    return page.link(f"{links.run(post.run_id)}/logs").text()
