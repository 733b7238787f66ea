"""The loop's part for promotions: look at every open one, take one step, tell what is new."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.message import Message
from bot.domain.ordering import promote_parameters
from bot.domain.policy import Policy
from bot.domain.promotion import EndpointSeen, Promotion, PromotionStatus
from bot.domain.promotion_changing import state_event
from bot.domain.promotion_news import news, sightings
from bot.domain.promotion_policy import refusal_to_start
from bot.domain.promotion_steps import (
    Step,
    expired,
    next_step,
    removed_again,
    settled,
    started_again,
)
from bot.domain.run import Event, PipelineSeen, PipelineState, Source
from bot.errors import BotError, ConflictError, UnavailableError
from bot.ports import PipelineKind, PipelineRequest
from bot.reconciler.look import Backends, Troubles

log = logging.getLogger(__name__)

PLACE = "promotions"


@dataclass(frozen=True)
class Sighting:
    """What one look brought, for all promotions at once."""

    pipelines: Mapping[str, PipelineSeen]
    endpoints: Mapping[str, EndpointSeen]


class Promoter:
    """Compares each promotion's wish with what serves; the reconciler calls `sweep`."""

    def __init__(self, world: Backends, policy: Policy, troubles: Troubles) -> None:
        self._world, self._policy, self._troubles = world, policy, troubles

    async def sweep(self) -> None:
        """Look once at every open promotion. What does not answer is left for the next sweep."""
        try:
            found = await self._world.promotions.open_promotions()
            await self._world.registry.advance()
            # Pipelines first: what a pipeline did before it ended is then there to be seen.
            sighting = await self._look(found) if found else Sighting({}, {})
            self._troubles.clear(PLACE)
        except BotError as error:
            self._troubles.note(PLACE, error)
            return
        for promotion in found:
            others = [each for each in found if each.id != promotion.id]
            await self._tend(promotion, sighting, others)

    async def _look(self, found: Sequence[Promotion]) -> Sighting:
        names = [each.name for each in found] + [each.removal_name for each in found]
        pipelines = await self._world.pipelines.observe(names)
        may_rest = all(each.status is PromotionStatus.LIVE for each in found)
        endpoints = await self._world.registry.endpoints(may_rest=may_rest)
        return Sighting(pipelines, {each.name: each for each in endpoints})

    async def _tend(
        self, promotion: Promotion, sighting: Sighting, others: Sequence[Promotion]
    ) -> None:
        try:
            seen = await self._see(promotion, sighting)
            await self._act(seen, is_busy=any(_is_coming(each, seen) for each in others))
            self._troubles.clear(promotion.id)
        except ConflictError:
            self._world.bell.ring("wake")
        except BotError as error:
            self._troubles.note(promotion.id, error)

    async def _see(self, promotion: Promotion, sighting: Sighting) -> Promotion:
        """Store what is new of the promotion, with its events and the messages that tell it."""
        seen = replace(
            promotion.seen,
            pipeline=sighting.pipelines.get(promotion.name, promotion.seen.pipeline),
            removal=sighting.pipelines.get(promotion.removal_name, promotion.seen.removal),
            endpoint=sighting.endpoints.get(promotion.endpoint),
        )
        return await self._save(promotion, replace(promotion, seen=seen))

    async def _save(self, before: Promotion, after: Promotion, *events: Event) -> Promotion:
        now = self._world.clock.now()
        after = settled(after, now, is_fresh=True)
        lines = [*events, *sightings(before, after, now)]
        if after.status is not before.status:
            lines.append(state_event(after, now))
        posts = news(after, await self._told(after), now)
        if after == before and not lines and not posts:
            return before
        after = replace(after, seen=replace(after.seen, at=now))
        saved = await self._world.promotions.save_promotion(after, lines, posts)
        self._ring(saved, has_status=after.status is not before.status)
        if after.status is not before.status:
            log.info("promotion %s is now %s", saved.id, saved.status)
        return saved

    async def _told(self, promotion: Promotion) -> dict[str, Message]:
        found = await self._world.store.messages(run_id=promotion.run_id)
        return {each.key: each for each in found if each.key.startswith(f"{promotion.id}/")}

    def _ring(self, promotion: Promotion, *, has_status: bool) -> None:
        for topic in ("outbox", "promotions", f"run:{promotion.run_id}"):
            self._world.bell.ring(topic)
        if has_status:
            self._world.bell.ring("wake")

    async def _act(self, promotion: Promotion, *, is_busy: bool) -> None:
        """Take the one step that the facts call for. Every step may be repeated."""
        now = self._world.clock.now()
        match next_step(promotion, now, is_busy=is_busy):
            case Step.START:
                await self._start(promotion)
            case Step.START_AGAIN:
                why = f"The pipeline {promotion.name} was lost; it is started again."
                after = started_again(promotion)
                await self._act(await self._note(promotion, after, why), is_busy=is_busy)
            case Step.CANCEL:
                await self._world.pipelines.cancel(promotion.name)
            case Step.EXPIRE:
                why = f"`{promotion.endpoint}` has expired and is undeployed."
                after = expired(promotion, now)
                await self._act(await self._note(promotion, after, why), is_busy=is_busy)
            case Step.REMOVE:
                await self._order(promotion, promotion.removal_name, "undeploy")
            case Step.REMOVE_AGAIN:
                why = f"Undeploying {promotion.id} failed; it is tried again."
                after = removed_again(promotion)
                await self._act(await self._note(promotion, after, why), is_busy=is_busy)
            case Step.NOTHING:
                pass

    async def _note(self, before: Promotion, after: Promotion, why: str) -> Promotion:
        now, data = self._world.clock.now(), {"promotion": before.id}
        event = Event(before.run_id, now, None, "promotion_noted", why, Source.BOT, data)
        return await self._save(before, after, event)

    async def _start(self, promotion: Promotion) -> None:
        """Start the pipeline, after a last look at order, consent and limit."""
        refusal = refusal_to_start(self._policy, promotion)
        if refusal is not None:
            await self._fail(promotion, f"It was not started. {refusal}")
            return
        try:
            await self._order(promotion, promotion.name, "promote")
        except UnavailableError:
            raise
        except BotError as error:  # a pipeline file that cannot be used: trying again is no use
            await self._fail(promotion, str(error))

    async def _order(self, promotion: Promotion, name: str, action: str) -> None:
        parameters = promote_parameters(name, action, promotion.order)
        request = PipelineRequest(name, PipelineKind.PROMOTE, parameters, promotion.requester.id)
        await self._world.pipelines.start(request)

    async def _fail(self, promotion: Promotion, why: str) -> None:
        pipeline = PipelineSeen(PipelineState.FAILED, fault=why)
        after = replace(promotion, seen=replace(promotion.seen, pipeline=pipeline))
        await self._note(promotion, after, why)


def _is_coming(other: Promotion, promotion: Promotion) -> bool:
    """Return whether another promotion's pipeline is at work on the same endpoint."""
    waits = (PromotionStatus.AWAITING_APPROVAL, PromotionStatus.QUEUED)
    is_working = not other.status.is_settled and other.status not in waits
    return is_working and other.endpoint == promotion.endpoint
