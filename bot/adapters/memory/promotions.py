"""Promotions kept until the process ends, beside the runs that they belong to."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from typing_extensions import override

from bot.domain.message import Message
from bot.domain.promotion import Promotion
from bot.domain.run import Event
from bot.errors import ConflictError, NotFoundError
from bot.ports.records import PromotionStore

Tell: TypeAlias = Callable[[Sequence[Event], Sequence[Message]], None]


class MemoryPromotions(PromotionStore):
    """`tell` writes events and messages to the store of the runs; it raises before it writes."""

    def __init__(self, tell: Tell) -> None:
        self._promotions: dict[str, Promotion] = {}
        self._tell = tell

    @override
    async def add_promotion(
        self, promotion: Promotion, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Promotion:
        if promotion.id not in self._promotions:
            self._tell(events, messages)
            self._promotions[promotion.id] = replace(promotion, version=1)
        return self._promotions[promotion.id]

    @override
    async def save_promotion(
        self, promotion: Promotion, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Promotion:
        known = self._promotions.get(promotion.id)
        if known is None:
            raise NotFoundError(f"There is no promotion {promotion.id}.")
        if known.version != promotion.version:
            raise ConflictError(
                f"{promotion.id} was changed by somebody else meanwhile; look again."
            )
        self._tell(events, messages)
        saved = replace(promotion, version=promotion.version + 1)
        self._promotions[promotion.id] = saved
        return saved

    @override
    async def promotion(self, promotion_id: str) -> Promotion | None:
        return self._promotions.get(promotion_id)

    @override
    async def promotions(self, run_id: str | None = None, limit: int = 50) -> Sequence[Promotion]:
        found = (p for p in self._promotions.values() if run_id in {None, p.run_id})
        return sorted(found, key=_age, reverse=True)[:limit]

    @override
    async def open_promotions(self) -> Sequence[Promotion]:
        return sorted((p for p in self._promotions.values() if not p.status.is_final), key=_age)


def _age(promotion: Promotion) -> tuple[datetime, str]:
    return promotion.created_at, promotion.id
