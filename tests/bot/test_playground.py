"""The Playground's people."""

import pytest
import yaml

from bot.domain.people import Person, Role
from bot.errors import SetupError
from bot.playground import playground_config

TENANT = "00000000-0000-0000-0000-0000000000f0"


def person(number: int, role: Role = Role.RESEARCHER) -> Person:
    return Person(f"00000000-0000-0000-0000-00000000000{number}", TENANT, f"Person {number}", role)


def test_the_first_researcher_acts_even_if_others_stand_before() -> None:
    config = yaml.safe_load(playground_config([person(1, Role.ADMIN), person(2), person(3)]))
    assert config["currentUser"]["aadObjectId"] == person(2).id
    assert config["tenantId"] == TENANT


def test_everybody_else_can_be_played() -> None:
    config = yaml.safe_load(playground_config([person(1), person(2, Role.APPROVER)]))
    assert person(2).id in {user["aadObjectId"] for user in config["users"]}


@pytest.mark.parametrize("number", [1, 3, 6, 9])
def test_the_playground_gets_exactly_the_five_others_that_it_wants(number: int) -> None:
    config = yaml.safe_load(playground_config([person(n) for n in range(number)]))
    ids = [user["id"] for user in [config["currentUser"], *config["users"]]]
    assert len(set(ids)) == 6


def test_nobody_to_act_as_is_a_fault_of_the_people_file() -> None:
    with pytest.raises(SetupError, match="people file names nobody"):
        playground_config([])
