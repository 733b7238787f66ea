"""Microsoft's own stand-in for Teams speaks with the whole bot, wherever people may speak."""

import asyncio
from urllib.parse import quote

import aiohttp
import pytest
from tenacity import AsyncRetrying, stop_after_delay, wait_fixed

from bot.domain.message import MessageState
from bot.playground import CLI, playground_command, playground_config, playground_environment
from tests.bot.conftest import ALEX

PERSONAL = "a:krsp-personal"
GROUP = "19:krsp-group@thread.v2"
CHANNEL = "19:krsp-training@thread.tacv2"
pytestmark = pytest.mark.system


class Playground:
    """Does over HTTP what its page does when somebody types or clicks."""

    def __init__(self, http, url):
        self._http, self._url = http, url

    async def post(self, path, body):
        me = {"from": {"id": f"29:{ALEX.id}"}}
        url = f"{self._url}/_conversation/v1/{path}"
        async with self._http.post(url, json=me | body) as response:
            assert response.status == 200, await response.text()
            return await response.json(content_type=None) if await response.text() else None

    async def say(self, where, text):
        body = {"text": text, "textFormat": "plain"}
        if where != PERSONAL:
            at = "<at>KRSP</at>"
            mentions = [{"mentioned": {"id": "28:krsp"}, "text": at}]
            body = {"text": f"{at} {text}", "textFormat": "xml", "mentions": mentions}
        return await self.post(f"conversations/{quote(where)}/messages", body)

    async def execute(self, message, data):
        action = {"type": "Action.Execute", "verb": data["action"], "data": data}
        value = {"action": action, "trigger": "manual"}
        body = self._on(message) | {"name": "adaptiveCard/action", "value": value}
        return await self.post("invoke", body)

    async def submit(self, message, data):
        await self.post("submit", self._on(message) | {"value": data})

    @staticmethod
    def _on(message):
        where = {"id": message.thread.id}
        return {"conversation": where, "replyToId": message.activity_id}


@pytest.fixture
async def playground(whole, tmp_path, free_port):
    config, port = tmp_path / "playground.yml", free_port()
    config.write_text(playground_config([ALEX]))
    assert CLI.exists(), "The Playground is not installed: run `make setup`."
    command = playground_command(whole.url, port)
    environment = playground_environment(config, tmp_path / "playground.log")
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=quiet, stderr=quiet
    )
    try:
        async with aiohttp.ClientSession() as http:
            await answers(http, f"http://127.0.0.1:{port}")
            yield Playground(http, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.wait()


async def answers(http, url):
    async for attempt in AsyncRetrying(stop=stop_after_delay(60), wait=wait_fixed(0.1)):
        with attempt:
            async with http.get(url) as response:
                assert response.status == 200


@pytest.mark.parametrize("where", [PERSONAL, GROUP, CHANNEL])
async def test_a_run_is_asked_for_planned_and_started_in_each_kind_of_conversation(
    playground, whole, world, where
):
    await playground.say(where, "train tiny-sft")
    (plan,) = await whole.settled(1)
    data = {"action": "start", "draft": plan.post.draft_id}
    answer = await playground.execute(plan, data)
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    assert "Started by Alex Wilber" in str(answer["value"])
    await world.sweep()
    plan, card = await whole.settled(2)
    assert plan.post.state == "started"
    assert card.post.kind == "run"
    assert card.thread == plan.thread


async def test_a_channels_run_stays_in_the_thread_that_asked(playground, whole):
    said = await playground.say(CHANNEL, "whoami")
    (answer,) = await whole.settled(1)
    assert answer.thread.id == said["postConversationId"]


async def test_a_submitted_plan_is_edited_in_place(playground, whole):
    await playground.say(GROUP, "train tiny-sft")
    (plan,) = await whole.settled(1)
    await playground.submit(plan, {"action": "start", "draft": plan.post.draft_id})
    plan, _ = await whole.settled(2)
    assert plan.edited_at is not None
    assert plan.post.state == "started"


async def test_a_refused_click_leaves_the_card_and_is_said_in_the_thread(playground, whole):
    await playground.say(GROUP, "train tiny-sft")
    (plan,) = await whole.settled(1)
    answer = await playground.execute(plan, {"action": "start", "draft": "run-20260101-aaaaaa"})
    assert "Plan: tiny-sft" in str(answer["value"])
    _, refusal = await whole.settled(2)
    assert "run-20260101-aaaaaa" in refusal.post.text


async def test_a_runs_card_is_edited_and_its_alert_sent_once(playground, whole, world):
    await playground.say(CHANNEL, "train tiny-sft")
    (plan,) = await whole.settled(1)
    await playground.execute(plan, {"action": "start", "draft": plan.post.draft_id})
    run = await world.run(plan.post.draft_id)
    await whole.settled(2)
    await world.finish(await world.to_training(run))
    messages = await whole.settled(3)
    assert [m.post.kind for m in messages] == ["plan", "run", "alert"]
    assert {m.state for m in messages} == {MessageState.SENT}
    assert messages[1].edited_at is not None
