"""Draw posts as Adaptive Cards and as text; pure."""

from typing import assert_never

from bot.cards.alert import alert_card
from bot.cards.answer import answer_card
from bot.cards.approval import approval_card
from bot.cards.card import Card, Links, Mention
from bot.cards.form import form_card
from bot.cards.help import help_card
from bot.cards.logs import logs_card
from bot.cards.metrics import metrics_card
from bot.cards.models import models_card
from bot.cards.plan import plan_card
from bot.cards.promotion import (
    promotion_alert_card,
    promotion_approval_card,
    promotion_card,
    promotion_expiry_card,
    promotion_plan_card,
)
from bot.cards.run import run_card
from bot.cards.runs import runs_card
from bot.cards.schedules import queue_card, schedules_card
from bot.cards.whoami import whoami_card
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

__all__ = ["Card", "Links", "Mention", "render"]


def render(post: Post, links: Links) -> Card:  # noqa: C901, PLR0911, PLR0912 - one line a post
    """Return the card of any post."""
    match post:
        case TextPost():
            return answer_card(post, links)
        case HelpPost():
            return help_card(post)
        case WhoamiPost():
            return whoami_card(post)
        case FormPost():
            return form_card(post, links)
        case PlanPost():
            return plan_card(post)
        case RunPost():
            return run_card(post, links)
        case AlertPost():
            return alert_card(post, links)
        case ApprovalPost():
            return approval_card(post, links)
        case RunsPost():
            return runs_card(post, links)
        case LogsPost():
            return logs_card(post, links)
        case MetricsPost():
            return metrics_card(post, links)
        case SchedulesPost():
            return schedules_card(post)
        case QueuePost():
            return queue_card(post, links)
        case _:
            return _promotion_card(post, links)


def _promotion_card(post: PromotionPosts, links: Links) -> Card:
    match post:
        case PromotionPlanPost():
            return promotion_plan_card(post, links)
        case PromotionPost():
            return promotion_card(post, links)
        case PromotionAlertPost():
            return promotion_alert_card(post, links)
        case PromotionApprovalPost():
            return promotion_approval_card(post, links)
        case PromotionExpiryPost():
            return promotion_expiry_card(post, links)
        case ModelsPost():
            return models_card(post, links)
    assert_never(post)
