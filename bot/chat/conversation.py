"""The core's door for chat: a turn comes in, facts change, answers go to the outbox."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.chat import words
from bot.chat.clicks import Clicks
from bot.chat.commands import Commands
from bot.chat.grammar import MistypedError, parse
from bot.chat.turn import Reply, Turn
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import Post, TextPost
from bot.errors import BotError, StrangerError
from bot.ports import Bell, Clock, RunStore
from bot.service import Service

log = logging.getLogger(__name__)


class Chat:
    """Handles turns. Repeating one changes nothing: every effect hangs on the turn's key."""

    def __init__(self, service: Service, store: RunStore, bell: Bell, clock: Clock) -> None:
        self._store, self._bell, self._clock = store, bell, clock
        self._commands = Commands(service)
        self._clicks = Clicks(service, self._commands)

    async def handle(self, turn: Turn) -> Reply:
        """Do what the turn asks; its answers lie in the outbox when this returns."""
        if not turn.action and await self._store.has_claim(turn.key):
            return Reply()  # clicks are answered again, since their card waits for the answer
        await self._store.put_thread(turn.thread, self._clock.now())
        try:
            reply, posts = await self._answer(turn)
        except BotError as error:
            if error.is_bug:
                raise
            reply, posts = _refusal(turn, error)
        await self._queue(f"turn/{turn.key}", turn.thread, posts)
        await self._store.claim(turn.key, self._clock.now())
        return reply

    async def _answer(self, turn: Turn) -> tuple[Reply, Sequence[Post]]:
        if turn.action:
            return await self._clicks.answer(turn)
        return Reply(), await self._commands.answer(turn, parse(turn.text))

    async def _queue(self, key: str, thread: Thread, posts: Sequence[Post]) -> None:
        """Store what to say, each post under a key that a repetition makes again."""
        for number, post in enumerate(posts):
            await self._store.add_message(
                Message(
                    key=f"{key}/{number}",
                    thread=thread,
                    post=post,
                    state=MessageState.PENDING,
                    created_at=self._clock.now(),
                )
            )
        if posts:
            self._bell.ring("outbox")

    async def joined(self, thread: Thread) -> None:
        """Welcome a conversation, once in its life."""
        if await self._store.put_thread(thread, self._clock.now()):
            welcome = TextPost(words.WELCOME, suggestions=("train", "help"))
            await self._queue(f"welcome/{thread.id}", thread, [welcome])

    async def left(self, thread: Thread) -> None:
        """Drop what was still to be said in a conversation that removed the bot."""
        for message in await self._store.messages(states=[MessageState.PENDING]):
            if message.thread.id == thread.id:
                gone = replace(message, state=MessageState.DEAD, fault="the bot was removed")
                await self._store.save_message(gone)


def _refusal(turn: Turn, error: BotError) -> tuple[Reply, Sequence[Post]]:
    """Say why not: to the one who clicked alone, to a message in its thread."""
    if turn.action:
        return Reply(notice=str(error)), ()
    suggestions = error.suggestions if isinstance(error, MistypedError) else ()
    sign_in_url = error.sign_in_url if isinstance(error, StrangerError) else ""
    return Reply(), (TextPost(str(error), "warning", suggestions, sign_in_url),)
