"""An outbox over memory adapters, on a channel that a test may interfere with."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from typing_extensions import override

from bot.adapters.bell import LocalBell
from bot.adapters.memory import MemoryChannel
from bot.domain.message import Message, MessageState
from bot.domain.posts import TextPost
from bot.teams.outbox import Outbox
from bot.teams.surroundings import Surroundings
from tests.bot.teams.listening_bot import THREAD

PENDING, SENDING, SENT = MessageState.PENDING, MessageState.SENDING, MessageState.SENT
UNKNOWN, DEAD = MessageState.UNKNOWN, MessageState.DEAD


class Post(MemoryChannel):
    """A channel on which a test may interfere before or after a message is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None
        self.addresses: list[str] = []

    @override
    async def send(self, thread, post):
        self.addresses.append(thread.service_url)
        self.before()
        await asyncio.sleep(0)
        name = await super().send(thread, post)
        self.after()
        return name

    @override
    async def edit(self, thread, activity_id, post):
        self.before()
        await asyncio.sleep(0)
        await super().edit(thread, activity_id, post)
        after = self.after()
        if asyncio.iscoroutine(after):
            await after


class Desk:
    """An outbox over memory, and what a test asks of it."""

    def __init__(self, world, draw) -> None:
        self.store, self.clock = world.store, world.clock
        self.channel, self.bell = Post(), LocalBell(0)
        self.around = Surroundings(self.store, self.channel, self.clock, self.bell, draw)
        self.restart()

    def restart(self) -> None:
        """Begin again as a new process does, with what is stored."""
        self.outbox = Outbox(self.around, pause_s=0.02, jitter=lambda: 1.0)

    async def add(self, key, text=None, **changes) -> None:
        """Store a message to be sent."""
        self.clock.advance(0.001)
        post = TextPost(text or key)
        message = Message(key, THREAD, post, PENDING, self.clock.now())
        await self.store.add_message(replace(message, **changes))

    async def state(self, key):
        return (await self.store.message(key)).state

    def said(self):
        return [shown.post.text for shown in self.channel.sent]

    def shows(self):
        return [shown.post.text for shown in self.channel.shown.values()]
