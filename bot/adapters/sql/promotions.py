"""PromotionStore on SQLAlchemy: a promotion's row, and what it tells in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from bot.adapters.sql.database import Database
from bot.adapters.sql.dialects import insert_new
from bot.adapters.sql.runs import lock
from bot.adapters.sql.schema import promotions
from bot.adapters.sql.telling import tell
from bot.adapters.sql.values import PROMOTION
from bot.domain.message import Message
from bot.domain.promotion import FINAL, Promotion
from bot.domain.run import Event
from bot.errors import ConflictError, NotFoundError
from bot.ports.records import PromotionStore

_AGE = (promotions.c.created_at, promotions.c.id)


class SqlPromotions(PromotionStore):
    """Promotions in the table `promotions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def add_promotion(
        self, promotion: Promotion, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Promotion:
        return await self._database.write(_add, promotion, events, messages)

    @override
    async def save_promotion(
        self, promotion: Promotion, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Promotion:
        return await self._database.write(_save, promotion, events, messages)

    @override
    async def promotion(self, promotion_id: str) -> Promotion | None:
        return await self._database.read(_find, promotion_id)

    @override
    async def promotions(self, run_id: str | None = None, limit: int = 50) -> Sequence[Promotion]:
        newest_first = [column.desc() for column in _AGE]
        wanted = _all().order_by(*newest_first).limit(limit)
        if run_id is not None:
            wanted = wanted.where(promotions.c.run_id == run_id)
        return await self._database.read(_listed, wanted)

    @override
    async def open_promotions(self) -> Sequence[Promotion]:
        wanted = _all().where(promotions.c.status.not_in(FINAL)).order_by(*_AGE)
        return await self._database.read(_listed, wanted)


async def _add(
    connection: AsyncConnection,
    promotion: Promotion,
    events: Sequence[Event],
    messages: Sequence[Message],
) -> Promotion:
    first = replace(promotion, version=1)
    row = {"id": first.id, "created_at": first.created_at, **_columns(first)}
    added = await connection.execute(insert_new(connection, promotions).values(row))
    if not added.rowcount:
        return await _find(connection, promotion.id) or promotion
    await _tell(connection, events, messages)
    return first


async def _save(
    connection: AsyncConnection,
    promotion: Promotion,
    events: Sequence[Event],
    messages: Sequence[Message],
) -> Promotion:
    saved = replace(promotion, version=promotion.version + 1)
    changed = await connection.execute(
        update(promotions)
        .where(promotions.c.id == promotion.id, promotions.c.version == promotion.version)
        .values(_columns(saved))
    )
    if changed.rowcount:
        await _tell(connection, events, messages)
        return saved
    if await _find(connection, promotion.id) is None:
        raise NotFoundError(f"There is no promotion {promotion.id}.")
    raise ConflictError(f"{promotion.id} was changed by somebody else meanwhile; look again.")


async def _tell(
    connection: AsyncConnection, events: Sequence[Event], messages: Sequence[Message]
) -> None:
    for run_id in sorted({event.run_id for event in events}):
        await lock(connection, run_id)
    await tell(connection, events, messages)


async def _find(connection: AsyncConnection, promotion_id: str) -> Promotion | None:
    found = await _listed(connection, _all().where(promotions.c.id == promotion_id))
    return found[0] if found else None


async def _listed(
    connection: AsyncConnection, wanted: Select[str, int, str]
) -> Sequence[Promotion]:
    return [_promotion(row) for row in await connection.execute(wanted)]


def _all() -> Select[str, int, str]:
    return select(promotions.c.id, promotions.c.version, promotions.c.body)


def _promotion(row: Row[Any, Any, Any]) -> Promotion:
    return replace(PROMOTION.decode(row.body, row.id), version=row.version)


def _columns(promotion: Promotion) -> dict[str, Any]:
    return {
        "run_id": promotion.run_id,
        "status": promotion.status.value,
        "version": promotion.version,
        "body": PROMOTION.encode(promotion),
    }
