"""Azure Pipelines for who may not: a missing right, a wrong tenant, a wrong secret."""

from typing import Any

import pytest
from pydantic import SecretStr

from bot.adapters.azure.credential import Identity, Tokens
from bot.errors import AccessError, SetupError
from tests.adapters.azure.devops_world import DevOpsWorld
from tests.adapters.pipeline_requests import ONE, train
from tests.azure_twin import world as names


def secret(text: str = names.BOT_APP_SECRET) -> SecretStr:
    return SecretStr(text)


async def test_a_missing_right_is_named_and_waited_for(world: DevOpsWorld, without: Any) -> None:
    without("Queue builds")
    with pytest.raises(AccessError, match="`Queue builds`") as caught:
        await world.pipelines.start(train())
    assert names.BOT_IDENTITY in str(caught.value)
    await world.control("rights", who=names.BOT_IDENTITY, grant=["Queue builds"])
    await world.pipelines.start(train())
    assert len(await world.runs()) == 1


async def test_an_identity_that_is_no_member_is_told_where_to_add_it(world: DevOpsWorld) -> None:
    stranger = Identity("client_secret", names.TENANT, names.BOT_APP, None, secret())
    adapter = world.adapter(world.connect(tokens=Tokens(stranger)))
    with pytest.raises(AccessError, match="Organization settings > Users"):
        await adapter.start(train())


async def test_a_wrong_tenant_is_named_with_its_setting(world: DevOpsWorld) -> None:
    elsewhere = "99999999-0000-0000-0000-000000000000"
    lost = Identity("client_secret", elsewhere, names.BOT_APP, None, secret())
    adapter = world.adapter(world.connect(tokens=Tokens(lost)))
    with pytest.raises(AccessError, match="KRSP_TENANT_ID"):
        await adapter.start(train())


async def test_a_wrong_secret_is_named_and_never_shown(world: DevOpsWorld) -> None:
    wrong = Identity("client_secret", names.TENANT, names.BOT_APP, None, secret("not-this-one"))
    adapter = world.adapter(world.connect(tokens=Tokens(wrong)))
    with pytest.raises(AccessError, match="KRSP_CLIENT_SECRET") as caught:
        await adapter.start(train())
    assert "not-this-one" not in str(caught.value)
    assert "not-this-one" not in repr(wrong)


async def test_a_project_that_does_not_exist_is_a_setup_error(world: DevOpsWorld) -> None:
    adapter = world.adapter(world.connect(project="elsewhere"))
    with pytest.raises(SetupError, match="KRSP_DEVOPS_PROJECT"):
        await adapter.start(train())


async def test_without_the_right_to_stop_a_cancel_names_it(
    world: DevOpsWorld, without: Any
) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    without("Stop builds")
    with pytest.raises(AccessError, match="`Stop builds`"):
        await world.pipelines.cancel(ONE)


def test_the_identity_is_told_without_its_secret() -> None:
    told = Identity(
        "client_secret", names.TENANT, names.BOT_APP, None, secret("not-this-one")
    ).words
    assert names.BOT_APP in told
    assert "not-this-one" not in told
