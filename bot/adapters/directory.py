"""Directories of people: a list that somebody wrote, and who has signed in."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from bot.domain.people import Person
from bot.ports import Clock
from bot.ports.directory import Directory
from bot.ports.records import PeopleStore


class ListedDirectory(Directory):
    """The people file of the local profile: what it says, for as long as the bot runs."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = tuple(people)

    @override
    async def find(self, person_id: str, tenant: str) -> Person | None:
        wanted = (person_id, tenant)
        return next((one for one in self._people if (one.id, one.tenant) == wanted), None)

    @override
    async def everybody(self) -> Sequence[Person]:
        return self._people

    @override
    async def remember(self, person: Person, until: datetime) -> None:
        del person, until  # the file decides

    @override
    async def forget(self, person_id: str, tenant: str) -> None:
        del person_id, tenant  # as above


class StoreDirectory(Directory):
    """Whom the identity provider vouched for at their last sign-in, until that ends."""

    def __init__(self, people: PeopleStore, clock: Clock) -> None:
        self._people, self._clock = people, clock

    @override
    async def find(self, person_id: str, tenant: str) -> Person | None:
        return await self._people.person(person_id, tenant, self._clock.now())

    @override
    async def everybody(self) -> Sequence[Person]:
        return await self._people.people(self._clock.now())

    @override
    async def remember(self, person: Person, until: datetime) -> None:
        await self._people.put_person(person, self._clock.now(), until)

    @override
    async def forget(self, person_id: str, tenant: str) -> None:
        await self._people.forget_person(person_id, tenant)
