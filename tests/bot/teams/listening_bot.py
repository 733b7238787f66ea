"""A served gateway with a core that only listens, and cards that hold what a post says."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.memory import MemoryChannel, MemoryStore
from bot.cards import Card
from bot.chat.turn import Conversation, Reply, Turn
from bot.domain.people import Thread, ThreadKind
from bot.domain.posts import AlertPost, LogsPost, Post, RunPost, TextPost
from bot.teams.authentication import Doorkeeper, LoopbackOnly
from bot.teams.gateway import Gateway
from bot.teams.posting import Draw
from bot.teams.surroundings import Surroundings
from bot.teams.turns import Turns
from tests.bot.conftest import TENANT

THREAD = Thread("a:alex", "http://127.0.0.1:9/", ThreadKind.PERSONAL, TENANT, "28:bot")


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


class Serving:
    """A context that serves a gateway over memory adapters."""

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
