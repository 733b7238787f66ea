"""Event Grid: handshakes, deliveries and their mishaps, compared with Microsoft's samples."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web

from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.jobsdk import Workbench
from tests.serving import serving

KIND = "Microsoft.MachineLearningServices.RunCompleted"
DATA = {
    "experimentId": "e",
    "experimentName": "tests",
    "runId": "run-1",
    "runType": None,
    "runTags": {},
    "runProperties": {},
}


@dataclass
class Receiver:
    """A web hook of the test's own; `answers` are the next statuses."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    validates: bool = True
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            origin = request.headers["WebHook-Request-Origin"]
            allowed = {"WebHook-Allowed-Origin": origin} if self.validates else {}
            return web.Response(headers=allowed)
        body = await request.json()
        events = body if isinstance(body, list) else [body]
        if events[0].get("eventType", "").endswith("SubscriptionValidationEvent"):
            code = events[0]["data"]["validationCode"] if self.validates else "wrong"
            return web.json_response({"validationResponse": code})
        self.tokens.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        async with self.arrived:
            self.events += events
            self.arrived.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def count(self, number: int) -> None:
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(lambda: len(self.events) >= number)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with serving(web.route("*", "/hook", made.handle)) as url:
        made.url = f"{url}/hook"
        yield made


async def call(twin: RunningTwin, command: str, **values: Any) -> Any:
    """Run a command beside the loop, which has to answer the twin meanwhile."""
    return await asyncio.to_thread(lambda: twin.control.call(command, **values))


async def publish(twin: RunningTwin, run: str = "run-1") -> None:
    await call(twin, "events.publish", kind=KIND, data={**DATA, "runId": run})


@pytest.mark.parametrize("schema", ["grid", "cloud"])
async def test_a_receiver_that_answers_the_handshake_is_subscribed(
    azure: RunningTwin, receiver: Receiver, schema: str
) -> None:
    assert await call(azure, "events.subscribe", url=receiver.url, schema=schema) == "Succeeded"
    await publish(azure)
    await receiver.count(1)
    receiver.validates = False
    assert await call(azure, "events.subscribe", url=receiver.url, schema=schema) == "Failed"
    await publish(azure)
    assert len(receiver.events) == 1


@pytest.mark.parametrize("schema", ["grid", "cloud"])
async def test_an_event_has_the_shape_of_microsoft_s_samples(
    azure: RunningTwin, receiver: Receiver, reference: Path, schema: str
) -> None:
    kind = {"grid": "eventgrid", "cloud": "cloudevents"}[schema]
    (sample,) = json.loads((reference / "events" / f"aml.run-completed.{kind}.json").read_text())
    await call(azure, "events.subscribe", url=receiver.url, schema=schema)
    await publish(azure)
    await receiver.count(1)
    event = receiver.events[0]
    assert event.keys() == sample.keys()
    assert event["data"].keys() == sample["data"].keys()
    assert event["subject"] == "experiments/e/runs/run-1"
    assert event.get("topic", event.get("source")) == world.WORKSPACE_PATH


async def test_a_delivery_carries_the_sender_s_role(azure: RunningTwin, receiver: Receiver) -> None:
    await call(azure, "events.subscribe", url=receiver.url)
    await publish(azure)
    await receiver.count(1)
    claims = jwt.decode(receiver.tokens[0], options={"verify_signature": False})
    assert claims["roles"] == ["AzureEventGridSecureWebhookSubscriber"]
    assert claims["aud"] == world.BOT_APP


async def test_an_event_that_was_not_taken_comes_again(
    azure: RunningTwin, receiver: Receiver
) -> None:
    await call(azure, "events.subscribe", url=receiver.url, retry_s=0.1)
    receiver.answers = [503, 503]
    await publish(azure)
    await receiver.count(3)
    assert len({one["id"] for one in receiver.events}) == 1
    deliveries = [
        one
        for one in await call(azure, "events.deliveries")
        if one["id"] == receiver.events[0]["id"]
    ]
    assert [one["status"] for one in deliveries][:2] == [503, 503]


async def test_events_are_lost_doubled_and_out_of_order(
    azure: RunningTwin, receiver: Receiver
) -> None:
    await call(azure, "events.subscribe", url=receiver.url)
    await call(azure, "events.mishaps", lost=1)
    await publish(azure, "lost")
    await call(azure, "events.mishaps", doubled=1)
    await publish(azure, "doubled")
    await receiver.count(2)
    await call(azure, "events.mishaps", held=2)
    await publish(azure, "first")
    await publish(azure, "second")
    assert await call(azure, "events.release") == 2
    await receiver.count(4)
    runs = [one["data"]["runId"] for one in receiver.events]
    assert runs == ["doubled", "doubled", "second", "first"]


async def test_a_late_event_is_still_the_same(azure: RunningTwin, receiver: Receiver) -> None:
    await call(azure, "events.subscribe", url=receiver.url)
    await call(azure, "events.mishaps", late=1, late_s=0.5)
    await publish(azure, "late")
    await publish(azure, "on time")
    await receiver.count(2)
    assert [one["data"]["runId"] for one in receiver.events] == ["on time", "late"]


async def test_only_wanted_kinds_come(azure: RunningTwin, receiver: Receiver) -> None:
    await call(azure, "events.subscribe", url=receiver.url, kinds=["RunStatusChanged"])
    await publish(azure)
    data = {**DATA, "runStatus": "Failed"}
    kind = KIND.replace("RunCompleted", "RunStatusChanged")
    await call(azure, "events.publish", kind=kind, data=data)
    await receiver.count(1)
    assert [one["eventType"] for one in receiver.events] == [kind]


async def test_a_job_s_end_is_told_unless_it_was_cancelled(
    receiver: Receiver, bench: Workbench
) -> None:
    await call(bench.twin, "events.subscribe", url=receiver.url)

    def live() -> list[str]:
        good, bad = bench.submit("print('ok')"), bench.submit("raise SystemExit(3)")
        stopped = bench.submit("import time; time.sleep(600)")
        bench.until(stopped, "Running")
        bench.ml.jobs.begin_cancel(stopped).result()
        bench.finish(good)
        bench.finish(bad)
        return [good, bad, stopped]

    good, bad, _ = await asyncio.to_thread(live)
    await receiver.count(2)
    told = {one["data"]["runId"]: one for one in receiver.events}
    assert told.keys() == {good, bad}
    assert told[good]["eventType"] == KIND
    assert told[bad]["eventType"].endswith("RunStatusChanged")
    assert told[bad]["data"]["runStatus"] == "Failed"
    assert told[bad]["data"]["runTags"] == {"run": bad}


async def test_a_registered_model_is_told_as_in_microsoft_s_sample(
    receiver: Receiver, bench: Workbench, reference: Path
) -> None:
    sample_file = reference / "events" / "aml.model-registered.eventgrid.json"
    (sample,) = json.loads(sample_file.read_text("utf-8"))
    await call(bench.twin, "events.subscribe", url=receiver.url)
    (bench.folder / "w.bin").write_text("weights", encoding="utf-8")
    model = bench.module.entities.Model(
        name="told", path=str(bench.folder / "w.bin"), type="custom_model"
    )
    await asyncio.to_thread(lambda: bench.ml.models.create_or_update(model))
    await receiver.count(1)
    (event,) = receiver.events
    assert event["data"].keys() == sample["data"].keys()
    assert event["subject"] == f"models/told:{event['data']['ModelVersion']}"
