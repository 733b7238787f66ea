"""Speaking in threads, and waking whoever listens."""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.people import Thread
from bot.domain.posts import Post


class Channel(Protocol):
    """Speaks in threads. Serialises per thread and keeps the channel's rate limits."""

    async def send(self, thread: Thread, post: Post) -> str:
        """Post a new message; return the channel's id of it.

        Raises `ThrottledError` (certainly not taken), `ThreadGoneError`, `DeliveryUnknownError`
        (any other failure: it may have arrived). Never retries by itself.
        """

    async def edit(self, thread: Thread, activity_id: str, post: Post) -> None:
        """Replace a message. May be repeated. Raises as `send`; unknown is harmless here."""


class Bell(Protocol):
    """Wakes the loop and tells live pages what changed; hints only, losing one loses nothing."""

    def ring(self, topic: str) -> None:
        """Say that something about `topic` (`runs`, `run:<id>`) changed."""

    def listen(self, topics: Collection[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Yield the topics that rang since, each at most once a second."""
