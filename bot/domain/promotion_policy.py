"""Who may serve a model, for how long and at which cost, and with whose consent; default deny."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.people import Person
from bot.domain.policy import (
    Policy,
    Right,
    lack_of_consent,
    no,
    right_of_requester,
    right_to_decide,
)
from bot.domain.promotion import Promotion, PromotionPlan, PromotionStatus
from trainer.contract.faults import SpecError
from trainer.contract.promotion import PromotionOrder, decode_order, order_hash


@dataclass(frozen=True)
class PromotionRights:
    """What one person may do with one promotion now."""

    cancel: Right
    approve: Right
    reject: Right
    undeploy: Right


def why_approval(policy: Policy, person: Person, plan: PromotionPlan) -> str | None:
    """Return why somebody else must agree before it is served; None if the person decides alone."""
    alone = policy.promote.alone_below.get(person.role, 0.0)
    if plan.cost <= alone:
        return None
    return (
        f"It costs {plan.currency} {plan.cost:.2f} until it expires, and {person.name} "
        f"({person.role}) may serve models for up to {plan.currency} {alone:.2f} alone."
    )


def never(policy: Policy, plan: PromotionPlan) -> str | None:
    """Return why nobody may serve this at all; None if somebody may."""
    limits = policy.promote
    if plan.hours > limits.most_hours:
        return (
            f"Nothing may be served for {plan.hours:g} hours at once; the most is "
            f"{limits.most_hours:g}. Use `hours={limits.most_hours:g}`, and promote it again then."
        )
    most = policy.never_above if limits.never_above is None else limits.never_above
    if plan.cost <= most:
        return None
    return (
        f"Serving it would cost {plan.currency} {plan.cost:.2f} until it expires; nobody may ask "
        f"for more than {plan.currency} {most:.2f}. Use fewer hours, or a smaller machine."
    )


def right_to_cancel(policy: Policy, person: Person, promotion: Promotion) -> Right:
    """Return whether the person may stop the promotion on its way."""
    if promotion.status.is_final:
        return no(f"The promotion is over ({_words(promotion)}).")
    if promotion.status is PromotionStatus.LIVE:
        return no(f"It is live already. To end it: `undeploy {promotion.endpoint}`.")
    if promotion.status is PromotionStatus.UNDEPLOYING or promotion.wish.cancel is not None:
        return no("It is being ended already.")
    return right_of_requester(policy, person, promotion, "cancel it")


def right_to_undeploy(policy: Policy, person: Person, promotion: Promotion) -> Right:
    """Return whether the person may end what the promotion serves."""
    serves = promotion.status in (PromotionStatus.LIVE, PromotionStatus.UNDEPLOYING)
    if not serves:
        return no(f"It serves nothing: the promotion is {_words(promotion)}.")
    return right_of_requester(policy, person, promotion, "undeploy it")


def promotion_rights(
    policy: Policy, person: Person, promotion: Promotion, now: datetime
) -> PromotionRights:
    """Return all that the person may do with the promotion now."""
    decide = right_to_decide(policy, person, promotion, now)
    return PromotionRights(
        cancel=right_to_cancel(policy, person, promotion),
        approve=decide,
        reject=decide,
        undeploy=right_to_undeploy(policy, person, promotion),
    )


def refusal_to_start(policy: Policy, promotion: Promotion) -> str | None:
    """Return why it must not be started after all; checked just before the pipeline.

    What is done is what was approved: the order's hash is computed anew, and it must be about
    this promotion's run, endpoint and machine.
    """
    order, plan = _order(promotion), promotion.plan
    if order is None or order_hash(order) != plan.order_sha256:
        return "The stored order is not the one that was asked for."
    said = (order.key, order.run_id, order.endpoint, order.machine, order.model_sha256)
    meant = (promotion.id, promotion.run_id, promotion.endpoint, plan.machine, plan.model_sha256)
    if said != meant:
        return "The order is about something else than the promotion."
    if (why := never(policy, plan)) is not None:
        return why
    why = why_approval(policy, promotion.requester, plan)
    return None if why is None else lack_of_consent(promotion, plan.order_sha256, why)


def _order(promotion: Promotion) -> PromotionOrder | None:
    try:
        return decode_order(promotion.order)
    except SpecError:
        return None


def _words(promotion: Promotion) -> str:
    return promotion.status.replace("_", " ")
