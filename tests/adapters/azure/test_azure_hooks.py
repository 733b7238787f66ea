"""Service hooks in the twin: created, recognised, repaired, and told when they are disabled."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.devops.v7_1.service_hooks.models import Subscription

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.devops import DevOps
from bot.adapters.azure.faults import DEVOPS, UntakenError
from bot.adapters.azure.hooks import PATH, Hooks
from bot.errors import AccessError, BotError, SetupError, UnavailableError
from tests.adapters.azure.azure_settings import PUBLIC_URL, azure_settings
from tests.adapters.azure.devops_world import DevOpsWorld
from tests.adapters.local.workbench import until
from tests.azure_twin import world as names

HOW_MANY = 10  # five events of two pipelines


@pytest.fixture
async def world(world: DevOpsWorld) -> AsyncIterator[DevOpsWorld]:
    """Return a world without subscriptions, which leaves none behind."""
    await unsubscribe(world)
    yield world
    await unsubscribe(world)


async def unsubscribe(world: DevOpsWorld) -> None:
    for each in await subscriptions(world.devops):
        world.devops.hooks.delete_subscription(each.id)


@pytest.fixture
def hooks(world: DevOpsWorld, tmp_path: Path) -> Hooks:
    return Hooks(world.devops, azure_settings(tmp_path))


async def subscriptions(devops: DevOps) -> list[Any]:
    return await devops.ask("list", devops.hooks.list_subscriptions) or []


async def test_all_are_created_once_however_often_it_is_asked(
    world: DevOpsWorld, hooks: Hooks
) -> None:
    assert len((await hooks.show()).missing) == HOW_MANY
    assert (await hooks.ensure()).is_good
    first = {each.id for each in await subscriptions(world.devops)}
    assert (await hooks.ensure()).is_good
    assert {each.id for each in await subscriptions(world.devops)} == first
    assert len(first) == HOW_MANY


async def test_they_carry_user_and_password_to_the_bots_own_address(
    world: DevOpsWorld, hooks: Hooks, tmp_path: Path
) -> None:
    await hooks.ensure()
    posts = [
        each["body"]
        for each in await world.requests(method="POST", path="subscriptions")
        if "consumerInputs" in each["body"]
    ]
    inputs = posts[-1]["consumerInputs"]
    assert inputs["url"] == PUBLIC_URL + PATH
    assert (inputs["basicAuthUsername"], inputs["basicAuthPassword"]) == (
        "azure-devops",
        "a-long-random-password",
    )


async def test_a_disabled_one_is_told_and_enabled_again(world: DevOpsWorld, hooks: Hooks) -> None:
    await hooks.ensure()
    victim = (await subscriptions(world.devops))[0]
    await world.control("hook_status", id=victim.id, status="disabledBySystem")
    (sentence,) = await hooks.disabled()
    assert "because deliveries failed" in sentence
    assert "python -m bot hooks ensure" in sentence
    assert (await hooks.ensure()).is_good
    assert await hooks.disabled() == []


async def test_extra_ones_go_and_those_of_others_stay(world: DevOpsWorld, hooks: Hooks) -> None:
    await hooks.ensure()
    ours = (await subscriptions(world.devops))[0]
    for url in (PUBLIC_URL + PATH, "https://elsewhere.example.com/"):
        world.devops.hooks.create_subscription(
            Subscription(
                publisher_id=ours.publisher_id,
                event_type=ours.event_type,
                resource_version=ours.resource_version,
                consumer_id=ours.consumer_id,
                consumer_action_id=ours.consumer_action_id,
                publisher_inputs=ours.publisher_inputs,
                consumer_inputs={"url": url},
            )
        )
    assert len((await hooks.show()).extra) == 1
    await hooks.ensure()
    urls = [each.consumer_inputs["url"] for each in await subscriptions(world.devops)]
    assert urls.count("https://elsewhere.example.com/") == 1
    assert urls.count(PUBLIC_URL + PATH) == HOW_MANY


async def test_without_a_password_none_is_made(world: DevOpsWorld, tmp_path: Path) -> None:
    hooks = Hooks(world.devops, azure_settings(tmp_path, hooks_password=""))
    with pytest.raises(SetupError, match="KRSP_HOOKS_PASSWORD"):
        await hooks.ensure()
    assert await subscriptions(world.devops) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}, UntakenError),
        ({"kind": "status", "status": 503}, UnavailableError),
        ({"kind": "cut_after"}, UnavailableError),
        ({"kind": "timeout_after", "seconds": 1.5}, UnavailableError),
        ({"kind": "html_sign_in", "times": 2}, AccessError),
        ({"kind": "expired_token", "times": 2}, AccessError),
    ],
    ids=lambda value: str(value["kind"]) if isinstance(value, dict) else "",
)
async def test_what_goes_wrong_in_the_middle_is_put_right_by_the_next_time(
    world: DevOpsWorld, tmp_path: Path, fault: dict[str, Any], kind: type[BotError]
) -> None:
    world.devops = world.connect(calls=Calls(Gate(DEVOPS), "the bot", timeout_s=1.5))
    hooks = Hooks(world.devops, azure_settings(tmp_path))
    await hooks.show()
    await world.fault(method="POST", path="subscriptions", **fault)
    with pytest.raises(kind):
        await hooks.ensure()
    await until(lambda: world.devops.calls.gate.held_s == 0, "the pause to end")
    assert (await hooks.ensure()).is_good
    assert len(await subscriptions(world.devops)) == HOW_MANY


async def test_a_slow_answer_and_a_token_that_died_on_the_way_do_not_matter(
    world: DevOpsWorld, hooks: Hooks
) -> None:
    await world.fault(method="POST", path="subscriptions", kind="slow", seconds=0.3)
    await world.fault(method="POST", path="subscriptions", kind="expired_token", after=1)
    assert (await hooks.ensure()).is_good
    assert len(await subscriptions(world.devops)) == HOW_MANY


async def test_a_missing_right_is_named(world: DevOpsWorld, hooks: Hooks) -> None:
    await world.control("rights", who=names.BOT_IDENTITY, revoke=["Edit subscriptions"])
    try:
        with pytest.raises(AccessError, match="`Edit subscriptions`"):
            await hooks.ensure()
    finally:
        await world.control("rights", who=names.BOT_IDENTITY, grant=["Edit subscriptions"])
