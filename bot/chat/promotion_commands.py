"""`status`, `cancel`, `approve` and `reject` where a promotion is meant rather than a run."""

from bot.chat import promoting
from bot.chat.grammar import About, Cancel, Reject
from bot.domain.people import Person
from bot.domain.posts import Post, TextPost
from bot.domain.promotion_planning import is_promotion_id
from bot.domain.promotion_posts import PromotionPost
from bot.domain.promotion_view import promotion_view
from bot.domain.run import RunStatus, Source
from bot.errors import InputError
from bot.ports import RunQuery
from bot.service import Service


async def about_promotion(
    service: Service, person: Person, command: Cancel | Reject | About
) -> Post | None:
    """Return what to say of the promotion that is meant; None where a run is."""
    reference = command.reference
    if reference is None and _decides(command):
        reference = await _only_question(service)
    if reference is None or not is_promotion_id(reference):
        return None
    match command:
        case Cancel():
            stopped = await service.promotions.cancel(
                person, reference, command.reason, Source.CHAT
            )
            return TextPost(promoting.stopped(stopped))
        case Reject():
            refused = await service.promotions.reject(
                person, reference, command.reason, Source.CHAT
            )
            name = refused.requester.name
            return TextPost(promoting.REJECTED.format(promotion=refused.id, requester=name))
        case About():
            return await _about(service, person, command.verb, reference)


async def _about(service: Service, person: Person, verb: str, reference: str) -> Post:
    if verb == "approve":
        promotion = await service.promotions.approve(person, reference, Source.CHAT)
        return TextPost(promoting.APPROVED.format(promotion=promotion.id), tone="good")
    if verb == "status":
        return PromotionPost(promotion_view(await service.promotions.get(reference)))
    raise InputError(f"`{verb}` is for runs; `status {reference}` shows the promotion.")


def _decides(command: Cancel | Reject | About) -> bool:
    return isinstance(command, Reject) or (isinstance(command, About) and command.verb == "approve")


async def _only_question(service: Service) -> str | None:
    """Return the promotion that waits for approval, if nothing else does."""
    waiting = await service.promotions.waiting()
    if len(waiting) != 1:
        return None
    query = RunQuery(statuses=frozenset({RunStatus.AWAITING_APPROVAL}), limit=1)
    return None if (await service.runs(query)).runs else waiting[0].id
