"""Every directory of people, held to the port's contract."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.adapters.clock import ManualClock
from bot.adapters.directory import ListedDirectory, StoreDirectory
from bot.adapters.memory.people import MemoryPeople
from bot.domain.people import Person, Role
from bot.ports.directory import Directory

ADA = Person("id-ada", "tenant-1", "Ada", Role.RESEARCHER)
GRACE = Person("id-grace", "tenant-1", "Grace", Role.ADMIN)
LONG = timedelta(hours=12)
MAKE: dict[str, Callable[[ManualClock], Directory]] = {
    "listed": lambda _: ListedDirectory([ADA, GRACE]),
    "store": lambda clock: StoreDirectory(MemoryPeople(), clock),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=MAKE)
async def directory(request, clock) -> Directory:
    """Return a directory that knows Ada and Grace."""
    directory = MAKE[request.param](clock)
    for person in (ADA, GRACE):
        await directory.remember(person, clock.now() + LONG)
    return directory


async def test_a_person_is_found_by_id_and_tenant_together(directory):
    assert await directory.find(ADA.id, ADA.tenant) == ADA
    assert await directory.find(ADA.id, "tenant-2") is None
    assert await directory.find("id-nobody", ADA.tenant) is None


async def test_everybody_who_can_be_found_is_listed(directory):
    assert list(await directory.everybody()) == [ADA, GRACE]


@pytest.fixture
async def remembering(clock) -> Directory:
    return StoreDirectory(MemoryPeople(), clock)


async def test_a_role_is_forgotten_when_its_time_is_over(remembering, clock):
    await remembering.remember(ADA, clock.now() + LONG)
    clock.advance(LONG.total_seconds() - 1)
    assert await remembering.find(ADA.id, ADA.tenant) == ADA
    clock.advance(1)
    assert await remembering.find(ADA.id, ADA.tenant) is None
    assert await remembering.everybody() == []


async def test_the_newest_sign_in_decides_the_role(remembering, clock):
    await remembering.remember(ADA, clock.now() + LONG)
    promoted = Person(ADA.id, ADA.tenant, "Ada L.", Role.APPROVER)
    await remembering.remember(promoted, clock.now() + LONG)
    assert await remembering.everybody() == [promoted]


async def test_a_list_keeps_to_what_it_says(clock):
    directory = ListedDirectory([ADA])
    await directory.remember(GRACE, clock.now() + LONG)
    assert await directory.find(GRACE.id, GRACE.tenant) is None
