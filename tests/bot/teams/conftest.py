"""A loopback Teams: activities as it sends them, tokens as it signs them, and its connector."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.adapters.bell import LocalBell
from bot.adapters.clock import ManualClock, SystemClock
from bot.adapters.memory import MemoryChannel, MemoryStore
from bot.cards import Card, Links, render
from bot.cards.text import as_text
from bot.chat.turn import Conversation, Reply, Turn
from bot.domain.message import Message, MessageState
from bot.domain.people import Person, Role, Thread, ThreadKind
from bot.domain.posts import AlertPost, LogsPost, Post, RunPost, TextPost
from bot.domain.run import Plan, RunStatus
from bot.domain.view import RunView
from bot.teams.authentication import Doorkeeper, LoopbackOnly
from bot.teams.channel import TeamsChannel
from bot.teams.console.room import Room, session
from bot.teams.console.screen import Screen
from bot.teams.console.talk import Ask, Exit, Talk
from bot.teams.gateway import Gateway
from bot.teams.outbox import Outbox
from bot.teams.posting import Draw
from bot.teams.surroundings import Surroundings
from bot.teams.turns import Turns

TENANT = "tenant-1"
ALEX = Person("id-alex", TENANT, "Alex Wilber", Role.RESEARCHER)
MEGAN = Person("id-megan", TENANT, "Megan Bowen", Role.APPROVER)
THREAD = Thread("a:alex", "http://127.0.0.1:9/", ThreadKind.PERSONAL, TENANT, "28:bot")
APP_ID = "00000000-0000-0000-0000-00000000b0b0"
ISSUER = "https://api.botframework.com"
LINKS = Links("http://127.0.0.1:1")


def draw_card(post: Post) -> Card:
    """Draw a card that holds what the post says, so that tests need not know real cards."""
    words = say(post)
    body = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": words}]}
    return Card(body, words[:50])


def say(post: Post) -> str:
    """Return a post's words: a text's text, a log's lines, else its kind."""
    match post:
        case TextPost():
            return post.text
        case LogsPost():
            return "\n".join(post.lines)
        case RunPost() | AlertPost() if post.run.diagnosis is not None:
            return "\n".join((post.kind, *post.run.diagnosis.log_tail))
        case _:
            return post.kind


DRAW = Draw(card=draw_card, text=say)


class Ears(Conversation):
    """A core that notes what it hears and answers what a test tells it to."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.arrivals: list[tuple[str, Thread]] = []
        self.reply = Reply()
        self.error: Exception | None = None

    async def handle(self, turn: Turn) -> Reply:
        self.turns.append(turn)
        if self.error is not None:
            raise self.error
        return self.reply

    async def joined(self, thread: Thread) -> None:
        self.arrivals.append(("joined", thread))

    async def left(self, thread: Thread) -> None:
        self.arrivals.append(("left", thread))


@dataclass
class Bot:
    """A gateway with a core that only listens."""

    ears: Ears
    store: MemoryStore
    channel: MemoryChannel
    http: aiohttp.ClientSession
    url: str

    async def post(self, activity: Any, **headers: str) -> tuple[int, Any]:
        """Post one activity; return status and JSON."""
        return await self.post_raw(
            json.dumps(activity).encode(), **{"Content-Type": "application/json", **headers}
        )

    async def post_raw(self, body: bytes, **headers: str) -> tuple[int, Any]:
        """Post bytes with exactly these headers."""
        skip = {"Content-Type"} if "Content-Type" not in headers else set()
        async with self.http.post(
            f"{self.url}/api/messages", data=body, headers=headers, skip_auto_headers=skip
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def said(self) -> list[Post]:
        """Return what lies in the outbox."""
        return [message.post for message in await self.store.messages()]


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
    return lambda **settings: _Serving(around, settings)


class _Serving:
    def __init__(self, around: Surroundings, settings: dict[str, Any]) -> None:
        self._around, self._settings = around, settings

    async def __aenter__(self) -> Bot:
        ears = Ears()
        keeper: Doorkeeper = self._settings.get("keeper") or LoopbackOnly("127.0.0.1")
        tenants = self._settings.get("tenants", frozenset({TENANT}))
        keeps_card = self._settings.get("keeps_card", False)
        app = web.Application()
        shares = self._settings.get("shares")
        turns = Turns(ears, self._around, keeps_card=keeps_card, shares=shares)
        app.add_routes(Gateway(keeper, tenants, turns).routes())
        self._server = TestServer(app)
        await self._server.start_server()
        self._http = aiohttp.ClientSession()
        store, channel = self._around.store, self._around.channel
        assert isinstance(store, MemoryStore)
        assert isinstance(channel, MemoryChannel)
        return Bot(ears, store, channel, self._http, str(self._server.make_url("")).rstrip("/"))

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await self._server.close()


@pytest.fixture
async def bot(make_bot: Callable[..., Any]) -> AsyncIterator[Bot]:
    """Return a served gateway in the local profile."""
    async with make_bot() as served:
        yield served


@dataclass
class Issuer:
    """An OpenID provider on loopback: `published` are the keys that it shows, `asked` counts."""

    url: str = ""
    published: dict[str, tuple[rsa.RSAPrivateKey, list[str]]] = field(default_factory=dict)
    secret: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    asked: int = 0
    fails: bool = False

    def publish(self, name: str, endorsements: list[str] | None = None) -> None:
        """Make a key and show it; `rotate` by clearing `published` first."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.secret[name] = key
        self.published[name] = (key, ["msteams"] if endorsements is None else endorsements)

    def token(self, *, kid: str | None = "key-1", signed_by: str = "", **claims: Any) -> str:
        """Return a token; a claim of None is left out."""
        now = int(time.time())
        whole = {
            "iss": ISSUER,
            "aud": APP_ID,
            "nbf": now - 60,
            "exp": now + 3600,
            "serviceurl": "http://127.0.0.1:9/",
        } | claims
        payload = {name: value for name, value in whole.items() if value is not None}
        key = self.secret[signed_by or kid or "key-1"]
        return jwt.encode(payload, key, "RS256", {"kid": kid} if kid else {})

    async def metadata(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.fails:
            raise web.HTTPBadGateway
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.url}/keys"})

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._jwk(name) for name in self.published]})

    def _jwk(self, name: str) -> dict[str, Any]:
        key, endorsements = self.published[name]
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**jwk, "kid": name, "use": "sig", "endorsements": endorsements}


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


@dataclass
class Connector:
    """Teams' side of sending: `taken` is what it took, `answers` what it says instead of 201."""

    url: str = ""
    taken: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[Callable[[web.Request], Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.headers.append(dict(request.headers))
        if self.answers:
            answer: web.StreamResponse = await self.answers.pop(0)(request)
            return answer
        body = await request.json()
        self.taken.append((request.method, request.rel_url.raw_path, body))
        return web.json_response({"id": f"activity-{len(self.taken)}"}, status=201)

    def refuse(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer the next request so."""

        async def answer(_: web.Request) -> web.Response:
            return web.json_response(body, status=status, headers=headers)

        self.answers.append(answer)

    def thread(self, name: str = "a:alex", **changes: Any) -> Thread:
        """Return a thread whose service is here."""
        return replace(THREAD, id=name, service_url=self.url, **changes)


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


class Whole:
    """A bot that is served whole: gateway, core, outbox, channel; a test moves the world."""

    def __init__(self, world: Any) -> None:
        self.world = world
        draw = Draw(lambda post: render(post, LINKS), lambda post: as_text(post, LINKS))
        self.channel = TeamsChannel(draw, SystemClock(), timeout_s=2)
        around = Surroundings(world.store, self.channel, world.clock, LocalBell(0), draw)
        world.bell.ring = around.bell.ring
        turns = Turns(world.chat, around, keeps_card=True)
        app = web.Application()
        app.add_routes(Gateway(LoopbackOnly("127.0.0.1"), frozenset({"tenant-1"}), turns).routes())
        self.server = TestServer(app)
        self.outbox = Outbox(around, pause_s=0.02)
        self.screen = io.StringIO()

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def ask(self, text: str, person: Person = ALEX, **options: Any) -> Exit:
        """Ask as a person does in a terminal of their own; return the exit code."""
        async with session() as http, Room(person, self.url, http).opened() as room:
            return await Talk(room, Screen(self.screen)).ask(Ask(text, **options))

    def said(self) -> str:
        """Return all that the terminal showed."""
        return self.screen.getvalue()

    async def tried(self, key: str) -> None:
        """Wait until the outbox has tried to send a message."""
        async with asyncio.timeout(10):
            while True:
                message = await self.world.store.message(key)
                if message and message.attempts:
                    return
                await asyncio.sleep(0.01)

    async def settled(self, count: int) -> list[Message]:
        """Wait until `count` messages are sent and no edit is due; return them, oldest first."""
        async with asyncio.timeout(10):
            while True:
                sent = await self.world.store.messages(states={MessageState.SENT})
                if len(sent) >= count and not await self.world.store.dirty_messages():
                    return list(sent)
                await asyncio.sleep(0.01)


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
