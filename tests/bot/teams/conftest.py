"""What tests of Teams start from: activities as it sends them, and bots to send them to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.bell import LocalBell
from bot.adapters.clock import ManualClock
from bot.adapters.memory import MemoryChannel, MemoryStore
from bot.domain.run import Plan, RunStatus
from bot.domain.view import RunView
from bot.teams.surroundings import Surroundings
from tests.bot.conftest import ALEX, TENANT
from tests.bot.teams.listening_bot import DRAW, Bot, Serving
from tests.bot.teams.loopback_teams import Connector, Issuer
from tests.bot.teams.outbox_desk import Desk
from tests.bot.teams.whole_bot import Whole


@pytest.fixture
def activity() -> Callable[..., dict[str, Any]]:
    """Return a maker of activities; `None` takes a field away."""

    def make(**changes: Any) -> dict[str, Any]:
        sender = changes.pop("sender", ALEX)
        whole = {
            "type": "message",
            "id": "1767378504354",
            "channelId": "msteams",
            "serviceUrl": "http://127.0.0.1:9/",
            "from": {"id": f"29:{sender.id}", "aadObjectId": sender.id, "name": sender.name},
            "recipient": {"id": "28:bot", "name": "KRSP"},
            "conversation": {"id": "a:alex", "conversationType": "personal", "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
            "text": "status",
        } | changes
        return {key: value for key, value in whole.items() if value is not None}

    return make


@pytest.fixture
def invoke(activity: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a maker of Action.Execute invokes with the given data."""

    def make(data: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        pressed = {"type": "Action.Execute", "verb": data.get("action", ""), "data": dict(data)}
        value = {"action": pressed, "trigger": "manual"}
        name = "adaptiveCard/action"
        return activity(**{"type": "invoke", "name": name, "text": None, "value": value} | changes)

    return make


@pytest.fixture
def around() -> Surroundings:
    """Return memory adapters, a clock that stands still and a bell."""
    return Surroundings(MemoryStore(), MemoryChannel(), ManualClock(), LocalBell(), DRAW)


@pytest.fixture
def make_bot(around: Surroundings) -> Callable[..., Any]:
    """Return a context that serves a gateway; keeper, tenants, keeps_card, shares may be given."""
    return lambda **settings: Serving(around, settings)


@pytest.fixture
async def bot(make_bot: Callable[..., Any]) -> AsyncIterator[Bot]:
    """Return a served gateway in the local profile."""
    async with make_bot() as served:
        yield served


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Return a served issuer with one published key, `key-1`, endorsed for Teams."""
    made = Issuer()
    made.publish("key-1")
    app = web.Application()
    app.add_routes([web.get("/metadata", made.metadata), web.get("/keys", made.keys)])
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    """Return a served connector."""
    made = Connector()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.take)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/teams/"))
        yield made


@pytest.fixture
def view() -> Callable[..., RunView]:
    """Return a maker of pictures of a run."""

    def make(status: RunStatus = RunStatus.TRAINING, **changes: Any) -> RunView:
        plan = Plan(1, 1, 10, 10, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.6, "EUR", "a guess")
        whole = RunView(
            id="run-20261123-abcdef",
            name="tiny",
            recipe="tiny-sft",
            requester_id=ALEX.id,
            requester=ALEX.name,
            status=status,
            headline="It goes on.",
            created_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
            ended_at=None,
            rail=(),
            plan=plan,
            step=1,
            total=10,
            loss=2.0,
            first_loss=3.0,
            eval_loss=None,
            tokens=100,
            tokens_per_s=None,
            eta_s=None,
            curve=(),
            cost=0.0,
            cost_limit=None,
            attempt=1,
            queue_position=None,
        )
        return replace(whole, **changes)

    return make


@pytest.fixture
async def whole(world: Any) -> AsyncIterator[Whole]:
    """Return a whole bot, its outbox running."""
    made = Whole(world)
    await made.server.start_server()
    task = asyncio.create_task(made.outbox.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.channel.close()
    await made.server.close()


@pytest.fixture
def desk(world, around):
    return Desk(world, around.draw)


@pytest.fixture
async def run_id(world):
    return (await world.start()).id


@pytest.fixture
async def quiet_run(desk, run_id):
    """Return a run whose own first messages are out of the way."""
    await desk.outbox.deliver()
    desk.channel.sent.clear()
    return run_id
