"""Answers to clicked cards of promotions; the plan's values come back and are planned anew."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.chat import promoting, words
from bot.chat.inputs import read_input
from bot.chat.turn import Reply, Turn
from bot.domain.changing import id_in_key
from bot.domain.people import Person
from bot.domain.policy import insist
from bot.domain.posts import Post, TextPost
from bot.domain.promotion_planning import OPTIONS, is_promotion_id
from bot.domain.promotion_posts import PromotionApprovalPost, PromotionPost, plan_post
from bot.domain.promotion_view import promotion_view
from bot.domain.run import Source
from bot.errors import InputError
from bot.service import Service
from bot.service.promotions import Proposal

Answer = tuple[Reply, Sequence[Post]]
MAX_VALUE = 500  # characters of one value; a reason is the longest


class PromotionClicks:
    """What each button of a promotion's cards does."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._verbs: dict[str, Callable[[Person, Turn], Awaitable[Answer]]] = {
            "promote": self._plan,
            "promote_start": self._start,
            "ask_undeploy": self._ask_undeploy,
            "ask_cancel": self._ask_cancel,
            "cancel": self._cancel,
            "approve": self._approve,
            "reject": self._reject,
            "status": self._status,
        }

    def is_meant(self, action: Mapping[str, Any]) -> bool:
        """Return whether a click is about a promotion."""
        is_own = action.get("action") in ("promote", "promote_start", "ask_undeploy")
        names = (str(action.get("run", "")), id_in_key(str(action.get("approval", ""))))
        return is_own or any(is_promotion_id(name) for name in names)

    async def answer(self, person: Person, turn: Turn) -> Answer:
        """Return the clicked card's new form and what else to say."""
        verb = str(turn.action.get("action", ""))
        if verb not in self._verbs:
            raise InputError(words.BAD_CLICK)
        return await self._verbs[verb](person, turn)

    async def _plan(self, person: Person, turn: Turn) -> Answer:
        reference = _text(turn.action, "run")
        return Reply(), (await promoting.plan(self._service, person, turn, reference, {}),)

    async def _start(self, person: Person, turn: Turn) -> Answer:
        action, promotions = turn.action, self._service.promotions
        proposal = Proposal(
            id=_text(action, "promotion"),
            order_sha256=_text(action, "order"),
            requester_id=_text(action, "for"),
            options={key: _text(action, key) for key in OPTIONS if key in action},
        )
        run = await self._service.find(_text(action, "run"))
        promotion, is_new = await promotions.start(person, run, proposal, Source.CHAT, turn.thread)
        notice = promoting.started(promotion, is_new=is_new)
        shown = promotions.shown(promotion, run)
        return Reply(
            plan_post(shown, promotions.until(shown), promotion.requester.name), notice
        ), ()

    async def _ask_undeploy(self, person: Person, turn: Turn) -> Answer:
        """Ask once more in a message of its own: the card is edited under the finger."""
        promotion = await self._service.promotions.get(_text(turn.action, "promotion"))
        insist(self._service.promotions.rights(person, promotion).undeploy)
        question = promoting.SURE.format(endpoint=promotion.endpoint)
        command = f"undeploy {promotion.endpoint}"
        return Reply(), (TextPost(question, "warning", (command,)),)

    async def _ask_cancel(self, person: Person, turn: Turn) -> Answer:
        promotion = await self._service.promotions.get(_text(turn.action, "run"))
        insist(self._service.promotions.rights(person, promotion).cancel)
        question = f"Stop `{promotion.id}`? What is live stays."
        return Reply(), (TextPost(question, "warning", (f"cancel {promotion.id}",)),)

    async def _cancel(self, person: Person, turn: Turn) -> Answer:
        reference, reason = _text(turn.action, "run"), _text(turn.action, "reason")
        promotion = await self._service.promotions.cancel(person, reference, reason, Source.CHAT)
        post = PromotionPost(promotion_view(promotion))
        return Reply(post, promoting.stopped(promotion)), ()

    async def _approve(self, person: Person, turn: Turn) -> Answer:
        key, promotions = _text(turn.action, "approval"), self._service.promotions
        promotion = await promotions.asked(key, turn.thread)
        promotion = await promotions.approve(person, promotion.id, Source.CHAT, key)
        notice = promoting.APPROVED.format(promotion=promotion.id)
        return Reply(PromotionApprovalPost(promotion_view(promotion), ()), notice), ()

    async def _reject(self, person: Person, turn: Turn) -> Answer:
        key, promotions = _text(turn.action, "approval"), self._service.promotions
        promotion = await promotions.asked(key, turn.thread)
        reason = _text(turn.action, "reason")
        promotion = await promotions.reject(person, promotion.id, reason, Source.CHAT, key)
        name = promotion.requester.name
        notice = promoting.REJECTED.format(promotion=promotion.id, requester=name)
        return Reply(PromotionApprovalPost(promotion_view(promotion), ()), notice), ()

    async def _status(self, _person: Person, turn: Turn) -> Answer:
        promotion = await self._service.promotions.get(_text(turn.action, "run"))
        return Reply(PromotionPost(promotion_view(promotion))), ()


def _text(action: Mapping[str, Any], key: str) -> str:
    return read_input(action, key, MAX_VALUE)
