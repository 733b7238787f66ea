"""What is news of a promotion, and what of it stands in its run's audit trail: pure functions."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.message import Message, message_about
from bot.domain.promotion import Promotion, PromotionStatus
from bot.domain.promotion_posts import (
    PromotionAlertPost,
    PromotionApprovalPost,
    PromotionExpiryPost,
    PromotionPost,
)
from bot.domain.promotion_steps import deployment, expires_soon, is_stuck
from bot.domain.promotion_view import PromotionView, promotion_view
from bot.domain.run import Event, PipelineSeen, Source
from bot.domain.sightings import new_stages


def news(promotion: Promotion, told: Mapping[str, Message], now: datetime) -> tuple[Message, ...]:
    """Return the messages to add or to give a newer post; `told` has the promotion's by key.

    One progress card a thread, edited in place; one approval card; an alert when it is live or
    has failed, another when it ends; a word a day before it expires. Keys keep each from coming
    twice.
    """
    view = promotion_view(promotion)
    wanted: list[Message] = []
    for thread in promotion.threads:
        wanted.append(message_about(promotion, thread, "promotion", PromotionPost(view), now))
        if (what := _alert(promotion)) is not None:
            alert = PromotionAlertPost(view, promotion.requester.id, promotion.requester.name)
            wanted.append(message_about(promotion, thread, what, alert, now))
        if expires_soon(promotion, now):
            wanted.append(
                message_about(promotion, thread, "expiry", PromotionExpiryPost(view), now)
            )
    approval = promotion.wish.approval
    if promotion.threads and approval is not None:
        asked = PromotionApprovalPost(view, approval.may_decide)
        wanted.append(message_about(promotion, promotion.threads[0], "approval", asked, now))
    return tuple(m for m in wanted if _is_news(m, told.get(m.key)))


def sightings(before: Promotion, after: Promotion, now: datetime) -> tuple[Event, ...]:
    """Return the events between two looks at one promotion: stages, versions, health."""
    found = [
        *_stages(before.seen.pipeline, after.seen.pipeline, "Promotion"),
        *_stages(before.seen.removal, after.seen.removal, "Undeploying"),
        *_health(before, after),
    ]
    data = {"promotion": after.id}
    return tuple(
        Event(after.run_id, now, None, kind, text, Source.PIPELINE, data) for kind, text in found
    )


def _alert(promotion: Promotion) -> str | None:
    """Return which alert is due: one for each way in which something ended or began to serve."""
    if promotion.status is PromotionStatus.LIVE:
        return "live"
    if is_stuck(promotion):
        return f"stuck-{promotion.removals}"
    if promotion.status is PromotionStatus.RETIRED:
        return "retired"
    return "failed" if promotion.status.is_final else None


def _is_news(wanted: Message, told: Message | None) -> bool:
    if told is None:
        return True
    if not isinstance(wanted.post, PromotionPost | PromotionApprovalPost):
        return False
    return not isinstance(told.post, PromotionPost | PromotionApprovalPost) or _turn(
        told.post.promotion
    ) != _turn(wanted.post.promotion)


def _turn(view: PromotionView) -> tuple[object, ...]:
    """Return what makes a card new; never the clock alone."""
    return (view.status, view.is_stopping, view.headline, view.url, view.note, view.waits_for)


def _stages(old: PipelineSeen | None, new: PipelineSeen | None, what: str) -> list[tuple[str, str]]:
    return [
        ("promotion_stage", f"{what}, stage {stage.name}: {stage.state}.")
        for stage in new_stages(old, new)
    ]


def _health(before: Promotion, after: Promotion) -> list[tuple[str, str]]:
    old, new = deployment(before), deployment(after)
    if new is None or (old is not None and old.state is new.state):
        return []
    note = f" {new.note}" if new.note else ""
    what = f"`{after.endpoint}`, {new.colour}, version {new.version} of {new.model}"
    return [("deployment", f"{what}: {new.state}.{note}")]
