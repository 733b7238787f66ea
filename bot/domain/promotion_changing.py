"""How a promotion's wish changes when people start, decide, cancel or undeploy; pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.changing import By, answered, question
from bot.domain.policy import Policy
from bot.domain.promotion import Promotion, PromotionStatus, PromotionWish
from bot.domain.promotion_planning import Planned
from bot.domain.promotion_steps import is_stuck, removed_again, settled
from bot.domain.reasons import because
from bot.domain.run import Cancel, Event, Source


@dataclass(frozen=True)
class Change:
    """A promotion as it shall be stored, and the lines that its run's audit trail gets."""

    promotion: Promotion
    events: tuple[Event, ...]


def started(planned: Planned, by: By, policy: Policy, new_key: Callable[[], str]) -> Change:
    """Return the new promotion; it waits for approval if the plan says so."""
    approval = question(planned, planned.plan.order_sha256, by, policy, new_key)
    promotion = Promotion(
        id=planned.id,
        run_id=planned.run.id,
        run_name=planned.run.spec.name,
        model=planned.model,
        endpoint=planned.endpoint,
        requester=by.person,
        threads=(planned.thread,) if planned.thread else (),
        plan=planned.plan,
        order=planned.order,
        created_at=by.at,
        wish=PromotionWish(approval=approval),
        status=PromotionStatus.AWAITING_APPROVAL if approval else PromotionStatus.QUEUED,
    )
    text = f"{by.person.name} asked to serve it as `{promotion.endpoint}` ({promotion.id})."
    events = [event(promotion, by, "promotion_requested", text)]
    if approval is not None:
        events.append(event(promotion, by, "promotion_approval_asked", approval.why))
    return Change(promotion, tuple(events))


def decided(promotion: Promotion, by: By, *, approved: bool, reason: str) -> Change:
    """Return the promotion with the decision in it; rights were checked before."""
    approval = answered(promotion, by, approved=approved, reason=reason)
    wish = replace(promotion.wish, approval=approval)
    verb = "approved" if approved else "rejected"
    text = f"{by.person.name} {verb} {promotion.id}{because(reason)}"
    return changed(promotion, wish, by.at, event(promotion, by, f"promotion_{verb}", text))


def cancelled(promotion: Promotion, by: By, reason: str) -> Change:
    """Return the promotion with the wish that it stops on its way."""
    wish = replace(promotion.wish, cancel=Cancel(by=by.person, at=by.at, reason=reason))
    text = f"{by.person.name} asked to stop {promotion.id}{because(reason)}"
    return changed(promotion, wish, by.at, event(promotion, by, "promotion_cancel_asked", text))


def undeployed(promotion: Promotion, by: By, reason: str) -> Change:
    """Return the promotion with the wish that it serves no longer; one that is stuck tries anew."""
    if is_stuck(promotion):
        promotion = removed_again(promotion)
    wish = replace(promotion.wish, undeploy=Cancel(by=by.person, at=by.at, reason=reason))
    what = f"`{promotion.endpoint}` ({promotion.id})"
    text = f"{by.person.name} asked to undeploy {what}{because(reason)}"
    return changed(promotion, wish, by.at, event(promotion, by, "undeploy_asked", text))


def changed(before: Promotion, wish: PromotionWish, now: datetime, *events: Event) -> Change:
    """Return the promotion with a new wish and the state that follows, and an event of that."""
    after = settled(replace(before, wish=wish), now)
    if after.status is before.status:
        return Change(after, events)
    return Change(after, (*events, state_event(after, now)))


def state_event(promotion: Promotion, now: datetime) -> Event:
    """Return the line that says which state the promotion is in now."""
    words = promotion.status.replace("_", " ")
    text = f"The promotion {promotion.id} is now {words}."
    return Event(promotion.run_id, now, None, "promotion_status", text, Source.BOT)


def event(promotion: Promotion, by: By, kind: str, text: str) -> Event:
    """Return a line of the run's audit trail in a person's name."""
    data = {"promotion": promotion.id}
    return Event(promotion.run_id, by.at, by.person, kind, text, by.source, data)
