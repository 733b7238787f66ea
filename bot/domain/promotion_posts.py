"""What the bot says about promotions and models, as plain values; part of `bot.domain.posts`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.promotion import EndpointSeen, ModelVersion, PromotionPlan
from bot.domain.promotion_planning import Planned
from bot.domain.promotion_view import PromotionView


@dataclass(frozen=True)
class PromotionPlanPost:
    """What serving a model would take, before anything is spent.

    Nothing is stored of it: Start sends these values back, and they are planned anew.
    """

    promotion_id: str
    run_id: str
    run_name: str
    model: str
    endpoint: str
    requester_id: str
    requester: str
    plan: PromotionPlan
    until: datetime  # when it would end, were it started now
    approval_why: str | None
    started_by: str | None = None
    kind: Literal["promotion_plan"] = "promotion_plan"


@dataclass(frozen=True)
class PromotionPost:
    """The progress card of one promotion, edited in place."""

    promotion: PromotionView
    kind: Literal["promotion"] = "promotion"


@dataclass(frozen=True)
class PromotionAlertPost:
    """The message when it is live, when it failed, and when it serves no longer."""

    promotion: PromotionView
    mention_id: str
    mention_name: str
    kind: Literal["promotion_alert"] = "promotion_alert"


@dataclass(frozen=True)
class PromotionApprovalPost:
    """The question to the approvers; its final form shows who decided what."""

    promotion: PromotionView
    may_decide: tuple[str, ...]
    kind: Literal["promotion_approval"] = "promotion_approval"


@dataclass(frozen=True)
class PromotionExpiryPost:
    """A day before: it will end by itself, and how to keep it."""

    promotion: PromotionView
    kind: Literal["promotion_expiry"] = "promotion_expiry"


@dataclass(frozen=True)
class ModelsPost:
    """Registered versions, newest first, and what is served where."""

    versions: tuple[ModelVersion, ...]
    endpoints: tuple[EndpointSeen, ...]
    total: int
    kind: Literal["models"] = "models"


PromotionPosts = (
    PromotionPlanPost
    | PromotionPost
    | PromotionAlertPost
    | PromotionApprovalPost
    | PromotionExpiryPost
    | ModelsPost
)


def plan_post(
    planned: Planned, until: datetime, started_by: str | None = None
) -> PromotionPlanPost:
    """Return the card of a plan."""
    return PromotionPlanPost(
        promotion_id=planned.id,
        run_id=planned.run.id,
        run_name=planned.run.spec.name,
        model=planned.model,
        endpoint=planned.endpoint,
        requester_id=planned.requester.id,
        requester=planned.requester.name,
        plan=planned.plan,
        until=until,
        approval_why=planned.approval_why,
        started_by=started_by,
    )
