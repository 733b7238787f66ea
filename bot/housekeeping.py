"""What has to be looked at now and then: old claims, and whether events still come."""

import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import TextPost
from bot.errors import BotError
from bot.ports import Bell, Clock, RunStore

log = logging.getLogger(__name__)

CLAIMS_KEPT = timedelta(days=7)  # far longer than any channel delivers a message again
EVERY_S = 3600.0

# Returns a sentence for each thing that somebody should put right.
Look = Callable[[], Awaitable[Sequence[str]]]


class Housekeeping:
    """Looks once an hour; tells `announce`, if there is one, once a day of what is wrong."""

    def __init__(
        self,
        store: RunStore,
        clock: Clock,
        bell: Bell,
        *,
        looks: Sequence[Look] = (),
        announce: Thread | None = None,
    ) -> None:
        self._store, self._clock, self._bell = store, clock, bell
        self._looks, self._announce = looks, announce
        self.findings: tuple[str, ...] = ()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            with contextlib.suppress(BotError):  # a full disk says so elsewhere; later will do
                await self._store.forget_claims(self._clock.now() - CLAIMS_KEPT)
                await self.look()
            await self._clock.sleep(EVERY_S)

    async def look(self) -> None:
        """Look once, and tell what is found."""
        found: list[str] = []
        for each in self._looks:
            try:
                found += await each()
            except BotError as error:
                log.warning("a look failed: %s", error)
        for finding in found:
            log.error("somebody must act: %s", finding)
            await self._tell(finding)
        self.findings = tuple(found)

    async def _tell(self, finding: str) -> None:
        if self._announce is None:
            return
        now = self._clock.now()
        name = hashlib.sha256(finding.encode()).hexdigest()[:16]
        message = Message(
            key=f"housekeeping/{now:%Y%m%d}/{name}",
            thread=self._announce,
            post=TextPost(finding, "warning"),
            state=MessageState.PENDING,
            created_at=now,
        )
        if await self._store.add_message(message):
            self._bell.ring("outbox")
