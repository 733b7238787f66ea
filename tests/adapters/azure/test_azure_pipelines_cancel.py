"""Cancelling in Azure Pipelines, whatever is waiting, lost or restarted."""

import pytest

from bot.domain.run import PipelineState
from bot.errors import UnavailableError
from tests.adapters.azure.devops_world import DevOpsWorld
from tests.adapters.pipeline_requests import ONE, train


async def test_a_wait_without_an_agent_can_be_cancelled(world: DevOpsWorld) -> None:
    await world.control("set_pool", is_paused=True)
    await world.pipelines.start(train())
    await world.pipelines.cancel(ONE)
    await world.ended(ONE)
    assert await world.state(ONE) is PipelineState.CANCELLED


async def test_a_cancel_whose_answer_is_lost_may_be_repeated(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.fault(method="PATCH", kind="cut_after")
    with pytest.raises(UnavailableError):
        await world.pipelines.cancel(ONE)
    await world.pipelines.cancel(ONE)
    await world.ended(ONE)
    assert await world.state(ONE) is PipelineState.CANCELLED


async def test_a_restarted_bot_can_cancel(world: DevOpsWorld) -> None:
    await world.pipelines.start(train())
    await world.begin(ONE)
    await world.adapter(world.connect()).cancel(ONE)
    await world.ended(ONE)
    assert await world.state(ONE) is PipelineState.CANCELLED
