"""Who the core takes an actor for, and what it says to strangers."""

import pytest

from bot.adapters.directory import ListedDirectory
from bot.domain.people import Actor, Person, Role
from bot.errors import ForbiddenError, StrangerError
from bot.service.people import People

ADA = Person("id-ada", "tenant-1", "Ada", Role.APPROVER)
STRANGER = Actor("id-eve", "tenant-1", "Ada")
LINK = "https://krsp.example/auth/sign-in"


async def test_an_actor_is_known_by_id_and_tenant_never_by_name():
    people = People(ListedDirectory([ADA]), "")
    assert await people.known(Actor("id-ada", "tenant-1", "whatever")) == ADA
    for other in (STRANGER, Actor("id-ada", "tenant-2", "Ada")):
        with pytest.raises(ForbiddenError):
            await people.known(other)


async def test_a_stranger_learns_which_id_to_add_to_the_people_file():
    with pytest.raises(ForbiddenError, match=r"id-eve \(tenant tenant-1\)"):
        await People(ListedDirectory([ADA]), "").known(STRANGER)


async def test_a_stranger_in_the_cloud_gets_the_link_to_sign_in():
    with pytest.raises(StrangerError, match=LINK) as refused:
        await People(ListedDirectory([ADA]), LINK).known(STRANGER)
    assert refused.value.sign_in_url == LINK
