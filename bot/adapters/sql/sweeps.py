"""SweepStore on SQLAlchemy: one row for each sweep, and what it tells in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from bot.adapters.sql.database import Database
from bot.adapters.sql.dialects import insert_new
from bot.adapters.sql.schema import sweeps
from bot.adapters.sql.telling import tell
from bot.adapters.sql.values import SWEEP
from bot.domain.message import Message
from bot.domain.sweep import OPEN, Sweep
from bot.errors import ConflictError, NotFoundError
from bot.ports.records import SweepStore

_AGE = (sweeps.c.created_at, sweeps.c.id)


class SqlSweeps(SweepStore):
    """Sweeps in the table `sweeps`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def add_sweep(self, sweep: Sweep) -> Sweep:
        return await self._database.write(_add, sweep)

    @override
    async def save_sweep(self, sweep: Sweep, messages: Sequence[Message] = ()) -> Sweep:
        return await self._database.write(_save, sweep, messages)

    @override
    async def sweep(self, sweep_id: str) -> Sweep | None:
        return await self._database.read(_find, sweep_id)

    @override
    async def sweeps(self, limit: int = 50) -> Sequence[Sweep]:
        newest_first = [column.desc() for column in _AGE]
        return await self._database.read(_listed, _all().order_by(*newest_first).limit(limit))

    @override
    async def open_sweeps(self) -> Sequence[Sweep]:
        wanted = _all().where(sweeps.c.status.in_(OPEN)).order_by(*_AGE)
        return await self._database.read(_listed, wanted)


async def _add(connection: AsyncConnection, sweep: Sweep) -> Sweep:
    first = replace(sweep, version=1)
    row = {"id": first.id, "created_at": first.created_at, **_columns(first)}
    added = await connection.execute(insert_new(connection, sweeps).values(row))
    if not added.rowcount:
        return await _find(connection, sweep.id) or sweep
    return first


async def _save(connection: AsyncConnection, sweep: Sweep, messages: Sequence[Message]) -> Sweep:
    saved = replace(sweep, version=sweep.version + 1)
    known = (sweeps.c.id == sweep.id, sweeps.c.version == sweep.version)
    changed = await connection.execute(update(sweeps).where(*known).values(_columns(saved)))
    if changed.rowcount:
        await tell(connection, [], messages)
        return saved
    if await _find(connection, sweep.id) is None:
        raise NotFoundError(f"There is no sweep {sweep.id}.")
    raise ConflictError(f"{sweep.id} was changed by somebody else meanwhile; look again.")


async def _find(connection: AsyncConnection, sweep_id: str) -> Sweep | None:
    found = await _listed(connection, _all().where(sweeps.c.id == sweep_id))
    return found[0] if found else None


async def _listed(connection: AsyncConnection, wanted: Select[str, int, str]) -> Sequence[Sweep]:
    return [_sweep(row) for row in await connection.execute(wanted)]


def _all() -> Select[str, int, str]:
    return select(sweeps.c.id, sweeps.c.version, sweeps.c.body)


def _sweep(row: Row[Any, Any, Any]) -> Sweep:
    return replace(SWEEP.decode(row.body, row.id), version=row.version)


def _columns(sweep: Sweep) -> dict[str, Any]:
    return {"status": sweep.status.value, "version": sweep.version, "body": SWEEP.encode(sweep)}
