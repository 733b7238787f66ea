"""People remembered until the process ends."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from bot.domain.people import Person
from bot.ports.records import PeopleStore


class MemoryPeople(PeopleStore):
    """Keeps each person with the end of their time."""

    def __init__(self) -> None:
        self._people: dict[tuple[str, str], tuple[Person, datetime]] = {}

    @override
    async def put_person(self, person: Person, seen_at: datetime, until: datetime) -> None:
        self._people[person.id, person.tenant] = (person, until)

    @override
    async def person(self, person_id: str, tenant: str, now: datetime) -> Person | None:
        person, until = self._people.get((person_id, tenant), (None, now))
        return person if until > now else None

    @override
    async def people(self, now: datetime) -> Sequence[Person]:
        valid = (person for person, until in self._people.values() if until > now)
        return sorted(valid, key=lambda person: (person.name, person.id, person.tenant))

    @override
    async def forget_person(self, person_id: str, tenant: str) -> None:
        self._people.pop((person_id, tenant), None)
