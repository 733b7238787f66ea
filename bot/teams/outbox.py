"""Deliver what is stored: send each message once, and edit what became old.

1. Commit SENDING. 2. Post. 3. Commit SENT with the channel's id.
A bot killed before 1 sends it after its restart; after 3 there is nothing to do; in between nobody
can know, so that message becomes UNKNOWN and is never sent again.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.domain.message import Message, MessageState
from bot.domain.people import Thread, ThreadKind
from bot.errors import BotError, ThrottledError, UnavailableError
from bot.teams import outcome
from bot.teams.outcome import Outcome
from bot.teams.rests import Rests
from bot.teams.surroundings import OUTBOX, Surroundings

log = logging.getLogger(__name__)

_STORE_RETRY_S = 1.0
_ALL = 1_000_000


class Outbox:
    """Speaks for the bot; one per store. Threads go side by side, each in its own order."""

    def __init__(
        self,
        around: Surroundings,
        *,
        pause_s: float = 1.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = around.store
        self._channel = around.channel
        self._clock = around.clock
        self._bell = around.bell
        self._pause_s = pause_s
        self._jitter = jitter
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._rests = Rests()
        self._is_stopping = False

    async def run(self) -> None:
        """Deliver until cancelled; then finish what is under way, which takes seconds."""
        try:
            await self._recover_safely()
            async with self._bell.listen([OUTBOX]) as rings:
                await self._loop(rings)
        finally:
            self._is_stopping = True
            await self._finish()

    async def recover(self) -> None:
        """Mark what was being sent when the bot ended; to be called once, before the first send."""
        for message in await self._store.messages(states={MessageState.SENDING}, limit=_ALL):
            log.warning("delivery of %s is unknown: the bot ended meanwhile", message.key)
            await self._settle(outcome.interrupted(message, self._clock.now()))
        # Who was out of reach an hour ago may be back with us: nobody waits for an old pause.
        for message in await self._store.messages(states={MessageState.PENDING}, limit=_ALL):
            if message.attempts and message.not_before is not None:
                await self._store.save_message(replace(message, not_before=None))

    async def deliver(self) -> None:
        """Send and edit everything that is due now, and wait until it is done."""
        await self._start()
        await self._finish()

    async def _recover_safely(self) -> None:
        while True:
            try:
                return await self.recover()
            except BotError as error:
                log.warning("the outbox waits for the store: %s", error.code)
                await self._clock.sleep(_STORE_RETRY_S)

    async def _loop(self, rings: AsyncIterator[str]) -> None:
        ring = asyncio.ensure_future(anext(rings))
        try:
            while True:
                await self._start_safely()
                await asyncio.wait({ring, *self._busy.values()}, timeout=self._pause_s)
                if ring.done():
                    ring.result()
                    ring = asyncio.ensure_future(anext(rings))
        finally:
            ring.cancel()

    async def _start_safely(self) -> None:
        try:
            await self._start()
        except Exception as error:  # noqa: BLE001 - the loop must outlive a bug in one look
            _log_trouble(error)
            await self._clock.sleep(self._pause_s)

    async def _start(self) -> None:
        """Set a worker to each thread that has something due and no worker yet."""
        edits = outcome.by_thread(await self._store.dirty_messages())
        sends = outcome.by_thread(await self._store.messages(states={MessageState.PENDING}))
        for name in {**edits, **sends}:
            if name in self._busy:
                continue
            due = await self._due(edits.get(name, ()), sends.get(name, ()))
            if due:
                task = asyncio.create_task(self._tend(due))
                self._busy[name] = task
                task.add_done_callback(partial(self._forget, name))

    async def _due(self, edits: Sequence[Message], sends: Sequence[Message]) -> list[Message]:
        """Return what one thread may hear now, edits first: they are older than what is added."""
        now = self._clock.now()
        due = [m for m in edits if not self._rests.hold(m, await self._reached(m), now)]
        # Order within a thread: while its first message waits, the others wait too.
        if sends and self._may_send(sends[0], await self._reached(sends[0]), now):
            due += sends
        return due

    def _may_send(self, message: Message, thread: Thread, now: datetime) -> bool:
        if self._rests.knows(message):
            return not self._rests.hold(message, thread, now)
        return outcome.is_due(message, now)

    async def _reached(self, message: Message) -> Thread:
        """Return the thread with the address to try: the newest one that it was heard from.

        Two consoles of one person are one conversation. Each hears what it asked for itself, at
        the address that is in the message, and the newest hears what an ended one has missed.
        """
        own = message.thread
        if own.kind is ThreadKind.CONSOLE and not self._rests.knows(message):
            return own
        return await self._store.thread(own.id) or own

    def _forget(self, thread_id: str, _task: "asyncio.Task[None]") -> None:
        del self._busy[thread_id]

    async def _finish(self) -> None:
        if self._busy:
            await asyncio.gather(*self._busy.values())

    async def _tend(self, messages: Sequence[Message]) -> None:
        """Bring one thread up to date."""
        try:
            for message in messages:
                if self._is_stopping:
                    return
                is_done = await self._tend_one(message.key)
                if not is_done:
                    return
        except Exception as error:  # noqa: BLE001 - one thread's bug must not silence the others
            _log_trouble(error)
            await self._clock.sleep(self._pause_s)

    async def _tend_one(self, key: str) -> bool:
        """Send or edit a message as it is stored now; return whether the next may follow."""
        message = await self._store.message(key)
        if message is None:
            return True
        if message.state is MessageState.SENT:
            await self._edit(message)
            return True
        if message.state is MessageState.PENDING:
            return await self._send(message)
        return True

    async def _send(self, message: Message) -> bool:
        thread = await self._reached(message)
        if not self._may_send(message, thread, self._clock.now()):
            return False
        leaving = outcome.sending(message)
        await self._store.save_message(leaving)
        try:
            activity_id = await self._channel.send(thread, message.post)
        except Exception as error:  # noqa: BLE001 - whatever it was, it must be settled
            _log_failure("send", message, error)
            result = outcome.failed(leaving, error, self._clock.now(), self._jitter())
        else:
            result = Outcome(outcome.sent(leaving, activity_id, self._clock.now()))
        until = result.message.not_before
        self._rests.note(message, thread, until)
        await self._settle_surely(result)
        return until is None

    async def _edit(self, message: Message) -> None:
        thread = await self._reached(message)
        try:
            if message.activity_id:
                await self._channel.edit(thread, message.activity_id, message.post)
        except ThrottledError as error:
            _log_failure("edit", message, error)
            attempts = self._rests.attempts(message) + 1
            now = self._clock.now()
            if not outcome.has_expired(message, now):
                until = outcome.again_at(error, attempts, now, self._jitter())
                self._rests.note(message, thread, until)
                return
            result = outcome.failed_edit(message, error, now)
        except Exception as error:  # noqa: BLE001 - whatever it was, it must be settled
            _log_failure("edit", message, error)
            result = outcome.failed_edit(message, error, self._clock.now())
        else:
            result = Outcome(outcome.edited(message, self._clock.now()))
        self._rests.note(message, thread, None)
        await self._settle_surely(result)

    async def _settle_surely(self, result: Outcome) -> None:
        """Store what happened; a full disk must not make us forget that a message was sent."""
        while True:
            try:
                return await self._settle(result)
            except UnavailableError as error:
                if self._is_stopping:
                    raise
                log.warning("a delivery cannot be noted yet: %s", error.code)
                await self._clock.sleep(_STORE_RETRY_S)

    async def _settle(self, result: Outcome) -> None:
        """Store event and message; the event first, and once, so that a crash loses neither."""
        event = result.event
        if event is not None:
            told = await self._store.events(event.run_id)
            if not any(e.kind == event.kind and e.data == event.data for e in told):
                await self._store.add_event(event)
        await self._store.save_message(result.message)
        if event is not None:
            self._bell.ring(f"run:{event.run_id}")
            self._bell.ring("wake")


def _log_trouble(error: Exception) -> None:
    if isinstance(error, BotError) and not error.is_bug:
        log.warning("the outbox waits for the store: %s", error.code)
    else:
        log.error("the outbox met a bug: %s", type(error).__name__)


def _log_failure(what: str, message: Message, error: Exception) -> None:
    cause = error.code if isinstance(error, BotError) else type(error).__name__
    # Being asked to wait is daily life.
    level = logging.DEBUG if isinstance(error, ThrottledError) else logging.WARNING
    log.log(level, "could not %s %s: %s", what, message.key, cause)
