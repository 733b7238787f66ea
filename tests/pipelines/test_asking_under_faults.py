"""A pipeline asks the bot over a bad line: one order is taken, and its answer arrives."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.serving import serving
from trainer.azureml.bot import ask_bot
from trainer.azureml.errors import AwayError
from trainer.contract.order import PATH, Order

ORDER = Order(
    kind="commit",
    key="commit:abc123:azure-pipelines/runs/new.yaml",
    path="azure-pipelines/runs/new.yaml",
    commit="abc123",
    owner="00000000-0000-0000-0000-0000000000a1",
    recipe="tiny-sft",
)
FAULTS = {
    "throttled": web.HTTPTooManyRequests(headers={"Retry-After": "1"}),
    "unavailable": web.HTTPServiceUnavailable(),
    "bad gateway": web.HTTPBadGateway(),
    "cut before the effect": None,
    "cut after the effect": None,
}


class BadLine:
    """A bot whose first answers go wrong as `fault` says; orders count once by their key."""

    def __init__(self) -> None:
        self.fault, self.times, self.asked = "", 0, 0
        self.taken: dict[str, int] = {}
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        goes_wrong = self.asked <= self.times
        answer = FAULTS[self.fault] if goes_wrong else None
        if answer is not None:
            raise answer
        if goes_wrong and self.fault == "cut before the effect":
            return cut(request)
        key = (await request.json())["key"]
        number = self.taken.setdefault(key, len(self.taken) + 1)
        if goes_wrong:
            return cut(request)
        return web.json_response(
            {"run_id": f"run-{number}", "status": "queued", "is_new": True, "message": "Taken."}
        )


def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.fixture
async def bot() -> AsyncIterator[BadLine]:
    found = BadLine()
    async with serving(web.post(PATH, found.take)) as found.url:
        yield found


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_that_passes_leaves_one_order_and_its_answer(
    bot: BadLine, fault: str
) -> None:
    bot.fault, bot.times = fault, 2
    answer = await asyncio.to_thread(ask_bot, PATH, ORDER, bot_url=bot.url)
    assert (answer.status_code, answer.json()["run_id"]) == (200, "run-1")
    assert (bot.asked, bot.taken) == (3, {ORDER.key: 1})


async def test_a_line_that_stays_cut_is_told_with_what_to_do(bot: BadLine) -> None:
    bot.fault, bot.times = "cut before the effect", 1000
    with pytest.raises(AwayError, match="does not answer") as told:
        await asyncio.to_thread(ask_bot, PATH, ORDER, bot_url=bot.url)
    assert "nothing was started" in told.value.remedy
    assert bot.taken == {}
