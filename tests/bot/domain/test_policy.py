"""Who may do what: default deny, four eyes, limits; a table of cases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.people import Person, Role
from bot.domain.policy import (
    Policy,
    never,
    refusal_to_start,
    right_to_decide,
    rights_in_words,
    why_approval,
)
from bot.domain.run import Decision, RunStatus

BARE = Policy(version=1, currency="EUR", prices={}, never_above=0.0)


@pytest.fixture
async def asked(world):
    """Return a run that waits for approval."""
    return await world.start("train tiny-sft steps=800000")


def person(role: Role, identity: str = "id-other") -> Person:
    return Person(identity, "tenant-1", "Somebody", role)


def test_a_policy_that_says_nothing_lets_nobody_start_or_approve():
    assert BARE.limit_of(person(Role.ADMIN)) == 0.0
    assert BARE.approvers == ()
    assert BARE.prices == {}


def test_a_persons_own_limit_goes_before_the_roles(world):
    policy = world.policy.model_copy(update={"people": {"id-other": 7.0}})
    assert policy.limit_of(person(Role.RESEARCHER)) == 7.0
    assert policy.limit_of(person(Role.RESEARCHER, "id-x")) == 1.0


async def test_a_limit_counts_the_upper_end_of_the_estimate(world, asked):
    plan = replace(asked.plan, cost_low=0.1, cost=0.5, cost_high=1.01)
    assert "up to EUR 1.01" in why_approval(world.policy, person(Role.RESEARCHER), plan, None)
    assert why_approval(world.policy, person(Role.APPROVER), plan, None) is None


async def test_a_cost_limit_of_the_run_caps_what_it_can_cost(world, asked):
    plan = replace(asked.plan, cost_high=500.0)
    assert why_approval(world.policy, person(Role.RESEARCHER), plan, 0.9) is None
    assert never(world.policy, plan, 99.0) is None
    assert "nobody may start one above EUR 100.00" in never(world.policy, plan, None)


@pytest.mark.parametrize(
    ("who", "allowed", "why"),
    [
        (person(Role.APPROVER), True, ""),
        (person(Role.ADMIN), True, ""),
        (person(Role.RESEARCHER), False, "an approver or an admin can"),
        (person(Role.ADMIN, "id-alex"), False, "You asked for this run"),
    ],
)
async def test_only_another_person_with_the_role_decides(world, asked, who, allowed, why):
    right = right_to_decide(world.policy, who, asked, world.clock.now())
    assert right.allowed is allowed
    assert why in right.why


async def test_the_same_object_id_in_another_tenant_is_another_person(world, asked):
    other = replace(person(Role.ADMIN, "id-alex"), tenant="tenant-2")
    assert right_to_decide(world.policy, other, asked, world.clock.now()).allowed


async def test_an_empty_list_of_approvers_means_nobody(world, asked):
    policy = world.policy.model_copy(update={"approvers": ()})
    right = right_to_decide(policy, person(Role.ADMIN), asked, world.clock.now())
    assert not right.allowed
    assert "nobody" in right.why


async def test_nothing_can_be_decided_after_the_expiry(world, asked):
    later = world.clock.now() + timedelta(hours=24)
    assert "expired" in right_to_decide(world.policy, person(Role.ADMIN), asked, later).why


async def test_a_run_starts_only_with_the_consent_that_its_cost_needs(world, asked):
    sha = asked.spec_sha256
    assert "Nobody has agreed" in refusal_to_start(world.policy, asked, sha)
    by = person(Role.APPROVER)
    approval = replace(asked.wish.approval, decision=Decision(by, world.clock.now(), approved=True))
    agreed = replace(asked, wish=replace(asked.wish, approval=approval))
    assert refusal_to_start(world.policy, agreed, sha) is None
    assert "not the one that was asked for" in refusal_to_start(world.policy, agreed, "0" * 64)


async def test_consent_to_another_spec_is_no_consent(world, asked):
    by = person(Role.APPROVER)
    approval = replace(
        asked.wish.approval,
        spec_sha256="0" * 64,
        decision=Decision(by, world.clock.now(), approved=True),
    )
    agreed = replace(asked, wish=replace(asked.wish, approval=approval))
    assert "not what would run" in refusal_to_start(world.policy, agreed, asked.spec_sha256)


async def test_a_limit_that_was_lowered_meanwhile_stops_the_start(world):
    run = await world.start()
    assert run.status is RunStatus.QUEUED
    strict = world.policy.model_copy(update={"start_alone_below": {}})
    assert "Nobody has agreed" in refusal_to_start(strict, run, run.spec_sha256)


def test_rights_are_said_in_sentences(world):
    said = rights_in_words(world.policy, person(Role.RESEARCHER))
    assert said[0] == "Start runs of up to EUR 1.00 alone; above that another person must agree."
    assert "Cancel your own runs." in said
