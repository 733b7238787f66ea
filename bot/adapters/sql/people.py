"""PeopleStore on SQLAlchemy: whom the directory vouched for, and until when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from bot.adapters.sql.database import Database
from bot.adapters.sql.dialects import insert_new
from bot.adapters.sql.schema import people
from bot.domain.people import Person, Role
from bot.ports.records import PeopleStore


class SqlPeople(PeopleStore):
    """People in the table `people`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def put_person(self, person: Person, seen_at: datetime, until: datetime) -> None:
        await self._database.write(_put, person, seen_at, until)

    @override
    async def person(self, person_id: str, tenant: str, now: datetime) -> Person | None:
        wanted = _valid(now).where(people.c.id == person_id, people.c.tenant == tenant)
        found = await self._database.read(_listed, wanted)
        return found[0] if found else None

    @override
    async def people(self, now: datetime) -> Sequence[Person]:
        wanted = _valid(now).order_by(people.c.name, people.c.id, people.c.tenant)
        return await self._database.read(_listed, wanted)

    @override
    async def forget_person(self, person_id: str, tenant: str) -> None:
        await self._database.write(_forget, person_id, tenant)


async def _put(
    connection: AsyncConnection, person: Person, seen_at: datetime, until: datetime
) -> None:
    row = {"name": person.name, "role": person.role.value, "seen_at": seen_at, "until": until}
    key = {"id": person.id, "tenant": person.tenant}
    added = await connection.execute(insert_new(connection, people).values(**key, **row))
    if not added.rowcount:
        await connection.execute(update(people).filter_by(**key).values(row))


async def _forget(connection: AsyncConnection, person_id: str, tenant: str) -> None:
    await connection.execute(delete(people).filter_by(id=person_id, tenant=tenant))


async def _listed(
    connection: AsyncConnection, wanted: Select[str, str, str, str]
) -> Sequence[Person]:
    return [_person(row) for row in await connection.execute(wanted)]


def _valid(now: datetime) -> Select[str, str, str, str]:
    columns = (people.c.id, people.c.tenant, people.c.name, people.c.role)
    return select(*columns).where(people.c.until > now)


def _person(row: Row[Any, Any, Any, Any]) -> Person:
    return Person(row.id, row.tenant, row.name, Role(row.role))
