"""The contract of PeopleStore, for every store that there is."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.adapters.memory import MemoryStore
from bot.adapters.sql import SqlStore
from bot.domain.people import Person, Role
from bot.ports.records import PeopleStore

ADA = Person("ada-id", "tenant-1", "Ada", Role.RESEARCHER)
HOUR = timedelta(hours=1)


@pytest.fixture
def people(store: MemoryStore | SqlStore) -> PeopleStore:
    return store.people


async def test_a_person_is_found_by_id_and_tenant_together(
    people: PeopleStore, now: datetime
) -> None:
    guest = replace(ADA, tenant="tenant-2", role=Role.ADMIN)
    await people.put_person(ADA, now, now + HOUR)
    await people.put_person(guest, now, now + HOUR)
    assert await people.person("ada-id", "tenant-1", now) == ADA
    assert await people.person("ada-id", "tenant-2", now) == guest
    assert await people.person("ada-id", "tenant-3", now) is None


async def test_a_person_is_forgotten_when_their_time_is_up(
    people: PeopleStore, now: datetime
) -> None:
    await people.put_person(ADA, now, now + HOUR)
    for later, found in ((timedelta(0), ADA), (HOUR - timedelta(seconds=1), ADA), (HOUR, None)):
        assert await people.person(ADA.id, ADA.tenant, now + later) == found
    assert await people.people(now + HOUR) == []


async def test_the_last_sign_in_decides_name_role_and_time(
    people: PeopleStore, now: datetime
) -> None:
    await people.put_person(ADA, now, now + HOUR)
    promoted = replace(ADA, name="Ada L.", role=Role.APPROVER)
    await people.put_person(promoted, now + HOUR, now + 2 * HOUR)
    assert await people.person(ADA.id, ADA.tenant, now + HOUR) == promoted
    assert await people.people(now + HOUR) == [promoted]


async def test_everybody_comes_by_name(people: PeopleStore, now: datetime) -> None:
    for number, name in enumerate(["Grace", "Ada", "Barbara"]):
        await people.put_person(replace(ADA, id=f"id-{number}", name=name), now, now + HOUR)
    assert [person.name for person in await people.people(now)] == ["Ada", "Barbara", "Grace"]


async def test_a_person_can_be_forgotten_at_once_and_again(
    people: PeopleStore, now: datetime
) -> None:
    await people.put_person(ADA, now, now + HOUR)
    for _ in range(2):
        await people.forget_person(ADA.id, ADA.tenant)
        assert await people.person(ADA.id, ADA.tenant, now) is None
