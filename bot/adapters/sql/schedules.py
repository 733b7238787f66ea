"""ScheduleStore on SQLAlchemy: one row for each name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from bot.adapters.sql.database import Database
from bot.adapters.sql.dialects import insert_new
from bot.adapters.sql.schema import schedules
from bot.adapters.sql.values import SCHEDULE
from bot.domain.schedule import Schedule
from bot.errors import ConflictError
from bot.ports.records import ScheduleStore


class SqlSchedules(ScheduleStore):
    """Schedules in the table `schedules`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def put_schedule(self, schedule: Schedule) -> Schedule:
        return await self._database.write(_put, schedule)

    @override
    async def schedule(self, name: str) -> Schedule | None:
        found = await self._database.read(_listed, _all().where(schedules.c.name == name))
        return found[0] if found else None

    @override
    async def schedules(self) -> Sequence[Schedule]:
        return await self._database.read(_listed, _all().order_by(schedules.c.name))

    @override
    async def remove_schedule(self, name: str) -> None:
        await self._database.write(_remove, name)


async def _put(connection: AsyncConnection, schedule: Schedule) -> Schedule:
    stored = replace(schedule, version=schedule.version + 1)
    if schedule.version == 0:
        row = {"name": stored.name, "created_at": stored.created_at, **_columns(stored)}
        put = await connection.execute(insert_new(connection, schedules).values(row))
    else:
        known = (schedules.c.name == schedule.name, schedules.c.version == schedule.version)
        put = await connection.execute(update(schedules).where(*known).values(_columns(stored)))
    if not put.rowcount:
        raise ConflictError(
            f"The schedule {schedule.name} was added, changed or removed by somebody else "
            "meanwhile; look again."
        )
    return stored


async def _remove(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(schedules).where(schedules.c.name == name))


async def _listed(connection: AsyncConnection, wanted: Select[str, int, str]) -> Sequence[Schedule]:
    return [_schedule(row) for row in await connection.execute(wanted)]


def _all() -> Select[str, int, str]:
    return select(schedules.c.name, schedules.c.version, schedules.c.body)


def _schedule(row: Row[Any, Any, Any]) -> Schedule:
    return replace(SCHEDULE.decode(row.body, row.name), version=row.version)


def _columns(schedule: Schedule) -> dict[str, Any]:
    return {
        "is_paused": schedule.is_paused,
        "version": schedule.version,
        "body": SCHEDULE.encode(schedule),
    }
