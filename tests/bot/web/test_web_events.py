"""The event stream: every topic at once, then what rings, until somebody leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

RUN = "run:run-20260101-aaaaaa"


@dataclass(frozen=True)
class Heard:
    id: int
    topic: str


class Listener:
    """Reads one stream, block by block."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def block(self) -> list[str]:
        lines: list[str] = []
        while line := (await self.answer.content.readline()).decode().rstrip("\n"):
            lines.append(line)
        return lines

    async def hint(self) -> Heard:
        while True:
            fields = dict(line.split(": ", 1) for line in await self.block())
            if "event" in fields:
                assert fields["event"] == "hint"
                return Heard(int(fields["id"]), json.loads(fields["data"])["topic"])


@pytest.fixture
async def listen(site) -> AsyncIterator[Any]:
    opened = []

    async def listen(topics: str, **headers: str) -> Listener:
        answer = await site.get(f"events?topics={topics}", headers=headers)
        assert answer.status == 200, await answer.text()
        opened.append(answer)
        return Listener(answer)

    yield listen
    for answer in opened:
        answer.close()


@pytest.fixture(autouse=True)
async def in_time():
    async with asyncio.timeout(20):
        yield


async def test_each_topic_is_hinted_once_on_connecting(listen):
    listener = await listen(f"runs,{RUN},runs")
    first, second = await listener.hint(), await listener.hint()
    assert (first.topic, second.topic) == ("runs", RUN)
    assert listener.answer.content_type == "text/event-stream"


async def test_what_rings_is_hinted_with_rising_ids(site, listen):
    listener = await listen("runs")
    first = await listener.hint()
    site.bell.ring("runs")
    second = await listener.hint()
    assert second.topic == "runs"
    assert second.id > first.id


async def test_a_started_run_is_heard_of(site, listen):
    listener = await listen("runs")
    await listener.hint()
    await site.run()
    assert (await listener.hint()).topic == "runs"


async def test_what_nobody_asked_for_is_not_heard(site, listen):
    listener = await listen("runs")
    await listener.hint()
    site.bell.ring(RUN)
    site.bell.ring("runs")
    assert (await listener.hint()).topic == "runs"


async def test_coming_back_hints_everything_again(site, listen):
    known = await (await listen("runs")).hint()
    again = await (await listen("runs", **{"Last-Event-ID": str(known.id)})).hint()
    assert again.topic == "runs"
    assert again.id > known.id


@pytest.mark.parametrize(
    "topics",
    ["", "wake", "outbox", "run:", "runs,", "run:../etc", "run:A", ",".join(["runs"] * 65)],
)
async def test_an_unknown_topic_is_refused(site, topics):
    await site.refused(await site.get(f"events?topics={topics}"), 422, "invalid_input")


async def test_topics_are_needed(site):
    await site.refused(await site.get("events"), 422, "invalid_input")


async def test_silence_is_broken_by_comments(tmp_path, policy, make_site):
    async with make_site(heartbeat_s=0.01) as site:
        answer = await site.get("events?topics=runs")
        listener = Listener(answer)
        await listener.hint()
        assert await listener.block() == [": still here"]
        answer.close()


async def test_a_stop_ends_every_stream_at_once(site, listen):
    listener = await listen("runs")
    await listener.hint()
    await site.app.shutdown()
    assert await listener.answer.content.read() == b""


async def test_a_listener_that_left_is_forgotten(make_site):
    async with make_site(heartbeat_s=0.01) as site:
        answer = await site.get("events?topics=runs")
        await Listener(answer).hint()
        assert len(site.bell._listeners) == 1
        answer.close()
        while site.bell._listeners:  # noqa: ASYNC110 - no event tells; the time-out bounds it
            await asyncio.sleep(0.005)


async def test_nothing_is_left_running_after_a_stream(make_site):
    before = asyncio.all_tasks()
    async with make_site(heartbeat_s=0.01) as site:
        answer = await site.get("events?topics=runs")
        await Listener(answer).hint()
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left
