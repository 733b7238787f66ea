"""SIGKILL the bot at named moments of a run, start it again, and count what people heard.

The one window in which a message may be lost is between a send and the saving of its id: there the
message becomes "delivery unknown" and is never sent again.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.settings import DEFAULTS, load_people

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

ALEX = load_people(DEFAULTS / "people.yaml")[0]
CONVERSATION = "console:kill-test"
END_S = 60


class Listener:
    """A channel's connector on loopback that remembers every post; it outlives the bots."""

    def __init__(self) -> None:
        self.posts: dict[str, dict[str, Any]] = {}
        self.sent: Counter[str] = Counter()
        self.on_post: Callable[[str], bool] = lambda _kind: True
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        path = "/v3/conversations/{conversation}/activities"
        app.router.add_post(path, self._post)
        app.router.add_put(path + "/{activity}", self._put)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        return runner

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        kind = body["channelData"]["post"]["kind"]
        self.sent[kind] += 1
        activity = f"a-{sum(self.sent.values())}"
        self.posts[activity] = body["channelData"]["post"]
        if not self.on_post(kind):
            await asyncio.sleep(30)  # the bot is dead by now and will not hear the answer
        return web.json_response({"id": activity})

    async def _put(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.posts[request.match_info["activity"]] = body["channelData"]["post"]
        return web.json_response({"id": request.match_info["activity"]})

    def last(self, kind: str) -> dict[str, Any]:
        return next(post for post in reversed(self.posts.values()) if post["kind"] == kind)


class Product:
    """The bot as a child process that can be killed and started again on the same home."""

    def __init__(self, home: Path, port: int, repository: Path, listener: Listener) -> None:
        self.home, self.url, self.listener = home, f"http://127.0.0.1:{port}", listener
        self._repository = repository
        self._environment = {
            **os.environ,
            "KRSP_HOME": str(home),
            "KRSP_PORT": str(port),
            "KRSP_PIPELINE_FILE": str(repository / "tests" / "system" / "quick" / "train.yml"),
            "KRSP_SWEEP_S": "0.2",
            "KRSP_CARD_EVERY_S": "0.3",
        }
        self._process: asyncio.subprocess.Process | None = None
        self._turns = 0

    async def start(self) -> None:
        log = (self.home / "bot.log").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "serve"),
            cwd=self._repository,
            env=self._environment,
            stdout=log,
            stderr=log,
        )
        log.close()
        await self.until(self._is_ready)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)

    async def kill_and_start(self) -> None:
        self.kill()
        await self.wait()
        await self.start()

    async def wait(self) -> None:
        assert self._process is not None
        await self._process.wait()

    async def end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, (self.home / "bot.log").read_text()
        try:
            return bool(await self.get("/readyz"))
        except aiohttp.ClientError:
            return False

    async def get(self, path: str) -> Any:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return await answer.json()

    async def say(self, **activity: Any) -> int:
        """Post an activity as the console does; return the HTTP status."""
        self._turns += 1
        body = {
            "type": "message",
            "id": f"turn-{self._turns}",
            "channelId": "console",
            "serviceUrl": self.listener.url,
            "from": {"id": ALEX.id, "name": ALEX.name, "aadObjectId": ALEX.id},
            "recipient": {"id": "28:krsp", "name": "KRSP"},
            "conversation": {
                "id": CONVERSATION,
                "conversationType": "personal",
                "tenantId": ALEX.tenant,
            },
            "channelData": {"tenant": {"id": ALEX.tenant}},
            **activity,
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + "/api/messages", json=body) as answer,
        ):
            await answer.read()
            return answer.status

    async def plan(self) -> str:
        """Ask for a plan and return the id that its run will have."""
        assert await self.say(text="train tiny-sft steps=10") == 200
        await self.until(lambda: _true(self.listener.sent["plan"]))
        return str(self.listener.last("plan")["draft_id"])

    async def press_start(self, run_id: str, turn: str = "start") -> None:
        value = {"action": {"type": "Action.Execute", "data": {"action": "start", "draft": run_id}}}
        await self.say(type="invoke", name="adaptiveCard/action", value=value, id=turn)

    async def until(self, is_true: Callable[[], Any]) -> None:
        """Wait for a condition, looking often enough to meet a short moment."""
        async with asyncio.timeout(END_S):
            while not await is_true():  # noqa: ASYNC110 - another process, so no event to await
                await asyncio.sleep(0.002)

    async def finished(self, run_id: str) -> dict[str, Any]:
        """Return the run's view once it is over and its messages have settled."""

        async def is_over() -> bool:
            run = (await self.get(f"/api/v1/runs/{run_id}"))["run"]
            return run["status"] in ("succeeded", "failed", "cancelled")

        async def is_told() -> bool:
            kinds = [e["kind"] for e in await self.events(run_id)]
            return self.listener.sent["alert"] > 0 or "delivery_unknown" in kinds

        await self.until(is_over)
        await self.until(is_told)
        await asyncio.sleep(1.5)  # time in which a second alert or job would show
        return dict((await self.get(f"/api/v1/runs/{run_id}"))["run"])

    async def events(self, run_id: str) -> list[dict[str, Any]]:
        return list((await self.get(f"/api/v1/runs/{run_id}/activity"))["events"])

    async def assert_told_once(self, run_id: str) -> None:
        """Insist that card and alert were sent once each, or are known to be unknown."""
        unknown = [e["kind"] for e in await self.events(run_id)].count("delivery_unknown")
        missing = sum(self.listener.sent[kind] == 0 for kind in ("run", "alert"))
        assert self.listener.sent["run"] <= 1
        assert self.listener.sent["alert"] <= 1
        assert missing <= unknown

    def job(self, run_id: str, name: str) -> Path:
        return self.home / "jobs" / run_id / name

    def starts(self, run_id: str) -> int:
        return len(self.job(run_id, "output/starts.txt").read_text().splitlines())


async def _true(value: object) -> bool:
    return bool(value)


@pytest.fixture
async def listener():
    one = Listener()
    runner = await one.start()
    yield one
    await runner.cleanup()


@pytest.fixture
async def product(tmp_path, free_port, repository, listener):
    one = Product(tmp_path, free_port(), repository, listener)
    await one.start()
    yield one
    await one.end()


def _exists(product: Product, run_id: str, name: str) -> Callable[[], Any]:
    return lambda: _true((product.home / name.format(run=run_id)).exists())


FILES = {
    "the pipeline was asked for": "pipelines/{run}/request.json",
    "the pipeline runs": "pipelines/{run}/state.json",
    "the job was submitted": "jobs/{run}/job.json",
    "the job started": "jobs/{run}/output/starts.txt",
    "the job ended": "jobs/{run}/exit.json",
}


@pytest.mark.parametrize("moment", FILES)
async def test_a_bot_killed_when_a_file_appears_ends_the_run_once(product, moment):
    run_id = await product.plan()
    await product.press_start(run_id)
    await product.until(_exists(product, run_id, FILES[moment]))
    await product.kill_and_start()
    run = await product.finished(run_id)
    assert run["status"] == "succeeded", await product.events(run_id)
    assert product.starts(run_id) == 1
    await product.assert_told_once(run_id)


async def test_a_bot_killed_right_after_start_was_answered_loses_no_run(product):
    run_id = await product.plan()
    await product.press_start(run_id)
    await product.kill_and_start()
    run = await product.finished(run_id)
    assert (run["status"], product.starts(run_id)) == ("succeeded", 1)
    await product.assert_told_once(run_id)


async def test_start_delivered_again_after_a_kill_starts_nothing_twice(product):
    run_id = await product.plan()
    await product.press_start(run_id)
    await product.kill_and_start()
    await product.press_start(run_id)
    await product.press_start(run_id, turn="start-with-another-id")
    run = await product.finished(run_id)
    assert (run["status"], product.starts(run_id)) == ("succeeded", 1)
    assert [e["kind"] for e in await product.events(run_id)].count("requested") == 1


@pytest.mark.parametrize("kind", ["run", "alert"])
async def test_a_bot_killed_between_a_send_and_its_id_says_delivery_unknown(product, kind):
    died = asyncio.Event()

    def kill_once(posted: str) -> bool:
        if posted != kind or died.is_set():
            return True
        product.kill()
        died.set()
        return False

    product.listener.on_post = kill_once
    run_id = await product.plan()
    with_answer = asyncio.create_task(product.press_start(run_id))
    await asyncio.wait_for(died.wait(), END_S)
    await asyncio.gather(with_answer, return_exceptions=True)
    await product.wait()
    await product.start()
    run = await product.finished(run_id)
    assert (run["status"], product.starts(run_id)) == ("succeeded", 1)
    assert product.listener.sent[kind] == 1
    assert len(run["undelivered"]) == 1
    assert "delivery unknown" in run["undelivered"][0]
    assert "delivery_unknown" in [e["kind"] for e in await product.events(run_id)]


async def test_a_bot_killed_again_and_again_still_ends_the_run_once(product):
    run_id = await product.plan()
    await product.press_start(run_id)
    for pause_s in (0.05, 0.3, 0.7, 1.1):
        await asyncio.sleep(pause_s)
        await product.kill_and_start()
    run = await product.finished(run_id)
    assert (run["status"], product.starts(run_id)) == ("succeeded", 1)
    await product.assert_told_once(run_id)


async def test_a_run_that_ends_while_the_bot_is_down_is_told_when_it_is_back(product):
    run_id = await product.plan()
    await product.press_start(run_id)
    await product.until(_exists(product, run_id, "jobs/{run}/output/starts.txt"))
    product.kill()
    await product.wait()
    await product.until(_exists(product, run_id, "jobs/{run}/exit.json"))
    assert json.loads(product.job(run_id, "exit.json").read_text())
    await product.start()
    run = await product.finished(run_id)
    assert run["status"] == "succeeded"
    assert product.listener.sent["alert"] == 1
