"""What people can ask for about serving models: plan, start, decide, cancel, undeploy, list."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.changing import By, id_in_key
from bot.domain.naming import nearest
from bot.domain.people import Person, Thread
from bot.domain.policy import insist, right_to_decide
from bot.domain.promotion import EndpointSeen, ModelVersion, Promotion, PromotionStatus
from bot.domain.promotion_changing import Change, cancelled, decided, started, undeployed
from bot.domain.promotion_news import news
from bot.domain.promotion_planning import (
    Around,
    Planned,
    PromotionAsked,
    is_promotion_id,
    planned,
    promotion_id,
)
from bot.domain.promotion_policy import (
    PromotionRights,
    promotion_rights,
    right_to_cancel,
    right_to_undeploy,
)
from bot.domain.run import Run, Source
from bot.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from bot.service.deciding import asked_here, is_repeated, reason_for_no, refuse_stale_card
from bot.service.world import World

LISTED = 50


@dataclass(frozen=True)
class Proposal:
    """A plan as Start sends it back: what was shown, to be planned anew before it counts."""

    id: str
    order_sha256: str
    requester_id: str
    options: Mapping[str, str]


class Promotions:
    """The core's door for promotions, beside `Service`."""

    def __init__(self, world: World) -> None:
        self._world, self._store, self._policy = world, world.promotions, world.policy
        self.machines = tuple(world.policy.promote.prices)

    async def plan(
        self,
        person: Person,
        run: Run,
        options: Mapping[str, str],
        *,
        nonce: str,
        thread: Thread | None,
    ) -> Planned:
        """Return what serving the run's model would take; nothing is stored by it."""
        now = self._world.clock.now()
        own = f"{person.tenant}/{person.id}/{nonce}"
        asked = PromotionAsked(promotion_id(now, own), person, thread, options, now)
        return planned(asked, run, self._policy, await self._around())

    def until(self, plan: Planned) -> datetime:
        """Return when it would end, were it live now."""
        return self._world.clock.now() + timedelta(hours=plan.plan.hours)

    async def start(
        self, person: Person, run: Run, proposal: Proposal, source: Source, thread: Thread | None
    ) -> tuple[Promotion, bool]:
        """Promote what was shown, once; return it, and whether it was started by this call.

        Raises `ForbiddenError` for somebody else's plan, `ConflictError` where it would now be
        another plan than the one that was shown.
        """
        known = await self._store.promotion(proposal.id)
        if known is not None:
            return _own(known, person, proposal), False
        if not is_promotion_id(proposal.id):
            raise InputError("This plan has no id of a promotion. Ask again with `promote`.")
        if proposal.requester_id != person.id:
            raise ForbiddenError(
                f"This plan was made for somebody else. Ask for your own: `promote {run.id}`."
            )
        now = self._world.clock.now()
        asked = PromotionAsked(proposal.id, person, thread, proposal.options, now)
        plan = planned(asked, run, self._policy, await self._around())
        if plan.plan.order_sha256 != proposal.order_sha256:
            raise ConflictError(f"The plan is not what it was. Ask again: `promote {run.id}`.")
        change = started(plan, By(person, now, source), self._policy, secrets.token_urlsafe)
        told = news(change.promotion, {}, now)
        made = await self._store.add_promotion(change.promotion, change.events, told)
        self._ring(made)
        return _own(made, person, proposal), True

    def shown(self, promotion: Promotion, run: Run) -> Planned:
        """Return the plan that a promotion was started from, to draw its card once more."""
        approval = promotion.wish.approval
        return Planned(
            id=promotion.id,
            run=run,
            model=promotion.model,
            endpoint=promotion.endpoint,
            requester=promotion.requester,
            thread=promotion.threads[0] if promotion.threads else None,
            plan=promotion.plan,
            order=promotion.order,
            approval_why=approval.why if approval else None,
        )

    async def approve(
        self, person: Person, promotion_id: str, source: Source, key: str | None = None
    ) -> Promotion:
        """Agree to a promotion, once; never for oneself."""
        return await self._decide(person, promotion_id, source, key=key, reason=None)

    async def reject(
        self,
        person: Person,
        promotion_id: str,
        reason: str,
        source: Source,
        key: str | None = None,
    ) -> Promotion:
        """Refuse a promotion, once, with a reason for its requester."""
        why = reason_for_no(reason)
        return await self._decide(person, promotion_id, source, key=key, reason=why)

    async def _decide(
        self,
        person: Person,
        promotion_id: str,
        source: Source,
        *,
        key: str | None,
        reason: str | None,
    ) -> Promotion:
        def decide(promotion: Promotion) -> Change:
            now = self._world.clock.now()
            if is_repeated(promotion, person, approved=reason is None):
                return Change(promotion, ())
            refuse_stale_card(promotion, key)
            insist(right_to_decide(self._policy, person, promotion, now))
            by = By(person, now, source)
            return decided(promotion, by, approved=reason is None, reason=reason or "")

        return await self._change(promotion_id, decide)

    async def asked(self, key: str, thread: Thread) -> Promotion:
        """Return the promotion whose approval a card asks for, where it was sent."""
        return asked_here(await self._store.promotion(id_in_key(key)), key, thread)

    async def cancel(
        self, person: Person, promotion_id: str, reason: str, source: Source
    ) -> Promotion:
        """Wish that a promotion stops on its way; asking again is fine."""

        def cancel(promotion: Promotion) -> Change:
            if promotion.wish.cancel is not None and not promotion.status.is_settled:
                return Change(promotion, ())
            insist(right_to_cancel(self._policy, person, promotion))
            return cancelled(promotion, By(person, self._world.clock.now(), source), reason.strip())

        return await self._change(promotion_id, cancel)

    async def undeploy(
        self, person: Person, promotion_id: str, reason: str, source: Source
    ) -> Promotion:
        """Wish that what it serves ends; asking again is fine, and tries anew what failed."""

        def undeploy(promotion: Promotion) -> Change:
            insist(right_to_undeploy(self._policy, person, promotion))
            by = By(person, self._world.clock.now(), source)
            return undeployed(promotion, by, reason.strip())

        return await self._change(promotion_id, undeploy)

    def rights(self, person: Person, promotion: Promotion) -> PromotionRights:
        """Return what the person may do with the promotion now."""
        return promotion_rights(self._policy, person, promotion, self._world.clock.now())

    async def get(self, promotion_id: str) -> Promotion:
        """Return the promotion."""
        promotion = await self._store.promotion(promotion_id)
        if promotion is None:
            raise NotFoundError(f"There is no promotion `{promotion_id}`. `models` lists them.")
        return promotion

    async def serving(self, endpoint: str) -> Promotion:
        """Return the promotion that serves on an endpoint, which may be meant by its id."""
        if is_promotion_id(endpoint):
            return await self.get(endpoint)
        found = await self._store.open_promotions()
        serving = (PromotionStatus.LIVE, PromotionStatus.UNDEPLOYING)
        mine = [each for each in found if each.endpoint == endpoint and each.status in serving]
        if mine:
            return next((each for each in mine if each.status is PromotionStatus.LIVE), mine[0])
        near = nearest(endpoint, [each.endpoint for each in found])
        hint = f" Did you mean `{near}`?" if near else " `models` lists what is served."
        raise NotFoundError(f"Nothing of ours is served as `{endpoint}`.{hint}")

    async def waiting(self) -> Sequence[Promotion]:
        """Return the promotions that wait for approval."""
        found = await self._store.open_promotions()
        return [each for each in found if each.status is PromotionStatus.AWAITING_APPROVAL]

    async def listed(self, run_id: str | None = None) -> Sequence[Promotion]:
        """Return promotions, of one run or of all, newest first."""
        return await self._store.promotions(run_id, LISTED)

    async def models(
        self, model: str | None = None
    ) -> tuple[Sequence[ModelVersion], Sequence[EndpointSeen]]:
        """Return the registered versions, newest first, and the endpoints."""
        registry = self._world.registry
        return await registry.versions(model), await registry.endpoints()

    async def endpoint(self, name: str) -> EndpointSeen | None:
        """Return what is served under a name."""
        found = await self._world.registry.endpoints()
        return next((each for each in found if each.name == name), None)

    async def _around(self) -> Around:
        endpoints = await self._world.registry.endpoints()
        return Around(endpoints, await self._store.open_promotions())

    async def _change(self, promotion_id: str, decide: Callable[[Promotion], Change]) -> Promotion:
        """Apply a decision to the newest form; somebody faster makes it look again."""
        while True:
            change = decide(await self.get(promotion_id))
            if not change.events:
                return change.promotion
            now = self._world.clock.now()
            found = await self._world.store.messages(run_id=change.promotion.run_id)
            posts = news(change.promotion, {m.key: m for m in found}, now)
            try:
                saved = await self._store.save_promotion(change.promotion, change.events, posts)
            except ConflictError:
                continue
            self._ring(saved)
            return saved

    def _ring(self, promotion: Promotion) -> None:
        for topic in ("wake", "outbox", "promotions", f"run:{promotion.run_id}"):
            self._world.bell.ring(topic)


def _own(known: Promotion, person: Person, proposal: Proposal) -> Promotion:
    """Return the promotion of that id if it is the one that was proposed; ids are short."""
    is_same = known.plan.order_sha256 == proposal.order_sha256
    if not is_same or not known.requester.is_same(person):
        raise ConflictError("Another promotion has this id. Ask for the plan once more.")
    return known
