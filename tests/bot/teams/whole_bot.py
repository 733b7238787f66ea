"""A bot that is served whole: gateway, core, outbox and channel."""

import asyncio
import io
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.bell import LocalBell
from bot.adapters.clock import SystemClock
from bot.cards import Links, render
from bot.cards.text import as_text
from bot.domain.message import Message, MessageState
from bot.domain.people import Person
from bot.teams.authentication import LoopbackOnly
from bot.teams.channel import TeamsChannel
from bot.teams.console.room import Room, session
from bot.teams.console.screen import Screen
from bot.teams.console.talk import Ask, Exit, Talk
from bot.teams.gateway import Gateway
from bot.teams.outbox import Outbox
from bot.teams.posting import Draw
from bot.teams.surroundings import Surroundings
from bot.teams.turns import Turns
from tests.bot.conftest import ALEX

LINKS = Links("http://127.0.0.1:1")


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
