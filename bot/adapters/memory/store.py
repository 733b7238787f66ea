"""A store that forgets all when the process ends."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from bot.adapters.memory.faults import Faults
from bot.adapters.memory.people import MemoryPeople
from bot.adapters.memory.promotions import MemoryPromotions
from bot.adapters.memory.schedules import MemorySchedules
from bot.adapters.memory.sweeps import MemorySweeps
from bot.domain.delivery import delivered, reposted
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.run import Draft, Event, Run
from bot.errors import BotError, ConflictError, NotFoundError
from bot.ports import RunPage, RunQuery, RunStore

_UNDELIVERED = {MessageState.PENDING, MessageState.SENDING}


class MemoryStore(RunStore):
    """Keeps everything in dictionaries; each write is one step that fails whole or not at all."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        self._runs: dict[str, Run] = {}
        self._events: list[Event] = []
        self._messages: dict[str, Message] = {}
        self._claims: dict[str, datetime] = {}
        self._threads: dict[str, Thread] = {}
        self._faults = Faults()
        self.people = MemoryPeople()
        self.promotions = MemoryPromotions(self._tell)
        self.sweeps = MemorySweeps(self._tell)
        self.schedules = MemorySchedules()

    def fail_next(self, *errors: BotError) -> None:
        """Let the next writes (and `check`) fail with nothing written, one error each."""
        self._faults.add(*errors)

    @override
    async def add_draft(self, draft: Draft) -> Draft:
        self._faults.strike()
        for known in self._drafts.values():
            if known.nonce == draft.nonce:
                return known
        if draft.id in self._drafts:
            raise ConflictError(f"There is a draft {draft.id} already; ask once more.")
        self._drafts[draft.id] = draft
        return draft

    @override
    async def draft(self, draft_id: str) -> Draft | None:
        return self._drafts.get(draft_id)

    @override
    async def add_run(self, run: Run, events: Sequence[Event], messages: Sequence[Message]) -> Run:
        self._faults.strike()
        if run.id not in self._runs:
            self._put(replace(run, version=1), events, messages)
        return self._runs[run.id]

    @override
    async def save_run(
        self, run: Run, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Run:
        self._faults.strike()
        known = self._known(run.id)
        if known.version != run.version:
            raise ConflictError(f"{run.id} was changed by somebody else meanwhile; look again.")
        self._put(replace(run, version=run.version + 1), events, messages)
        return self._runs[run.id]

    @override
    async def run(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    @override
    async def runs(self, query: RunQuery) -> RunPage:
        found = [run for run in self._runs.values() if _matches(run, query)]
        found.sort(key=_age, reverse=True)
        older = [run for run in found if query.before is None or _age(run) < query.before]
        page = older[: query.limit]
        more = len(older) > len(page)
        return RunPage(tuple(page), len(found), _age(page[-1]) if more and page else None)

    @override
    async def unfinished(self) -> Sequence[Run]:
        return sorted((r for r in self._runs.values() if not r.status.is_final), key=_age)

    @override
    async def with_open_messages(self) -> Sequence[str]:
        speaking = {m.run_id for m in self._messages.values() if _is_open(m)}
        ended = (run for run in self._runs.values() if run.status.is_final)
        return sorted(run.id for run in ended if run.id in speaking)

    @override
    async def events(self, run_id: str, after: int = 0) -> Sequence[Event]:
        return [e for e in self._events if e.run_id == run_id and e.seq > after]

    @override
    async def add_event(self, event: Event) -> Event:
        self._faults.strike()
        self._known(event.run_id)
        return self._append(event)

    @override
    async def add_message(self, message: Message) -> bool:
        self._faults.strike()
        return self._messages.setdefault(message.key, message) is message

    @override
    async def save_message(self, message: Message) -> None:
        self._faults.strike()
        self._messages[message.key] = delivered(self._known_message(message.key), message)

    @override
    async def put_post(self, key: str, post: Post) -> None:
        self._faults.strike()
        self._messages[key] = reposted(self._known_message(key), post)

    @override
    async def message(self, key: str) -> Message | None:
        return self._messages.get(key)

    @override
    async def message_shown_as(self, thread_id: str, activity_id: str) -> Message | None:
        shown = (m for m in self._messages.values() if m.activity_id == activity_id)
        return next((m for m in shown if m.thread.id == thread_id), None)

    @override
    async def messages(
        self, *, run_id: str | None = None, states: Collection[MessageState] = (), limit: int = 500
    ) -> Sequence[Message]:
        found = (m for m in self._messages.values() if run_id in {None, m.run_id})
        wanted = (m for m in found if not states or m.state in states)
        return sorted(wanted, key=lambda m: m.created_at)[:limit]

    @override
    async def dirty_messages(self, limit: int = 500) -> Sequence[Message]:
        dirty = (m for m in self._messages.values() if m.state is MessageState.SENT and m.is_dirty)
        return sorted(dirty, key=lambda m: m.edited_at or m.sent_at or m.created_at)[:limit]

    @override
    async def claim(self, key: str, now: datetime) -> bool:
        self._faults.strike()
        is_new = key not in self._claims
        self._claims.setdefault(key, now)
        return is_new

    @override
    async def has_claim(self, key: str) -> bool:
        return key in self._claims

    @override
    async def forget_claims(self, before: datetime) -> int:
        old = [key for key, at in self._claims.items() if at < before]
        for key in old:
            del self._claims[key]
        return len(old)

    @override
    async def put_thread(self, thread: Thread, now: datetime) -> bool:
        self._faults.strike()
        is_new = thread.id not in self._threads
        self._threads[thread.id] = thread
        return is_new

    @override
    async def thread(self, thread_id: str) -> Thread | None:
        return self._threads.get(thread_id)

    @override
    async def check(self) -> None:
        self._faults.strike()

    def _known(self, run_id: str) -> Run:
        try:
            return self._runs[run_id]
        except KeyError as error:
            raise NotFoundError(f"There is no run {run_id}.") from error

    def _known_message(self, key: str) -> Message:
        try:
            return self._messages[key]
        except KeyError as error:
            raise NotFoundError(f"There is no message {key} to change.") from error

    def _put(self, run: Run, events: Sequence[Event], messages: Sequence[Message]) -> None:
        self._runs[run.id] = run
        self._tell(events, messages)

    def _tell(self, events: Sequence[Event], messages: Sequence[Message]) -> None:
        for event in events:
            self._known(event.run_id)
        for event in events:
            self._append(event)
        for message in messages:
            known = self._messages.get(message.key)
            self._messages[message.key] = reposted(known, message.post) if known else message

    def _append(self, event: Event) -> Event:
        stored = replace(event, seq=len(self._events) + 1)
        self._events.append(stored)
        return stored


def _age(run: Run) -> tuple[datetime, str]:
    return run.created_at, run.id


def _is_open(message: Message) -> bool:
    is_stale = message.state is MessageState.SENT and message.is_dirty
    return is_stale or message.state in _UNDELIVERED


def _matches(run: Run, query: RunQuery) -> bool:
    text = (query.text or "").lower()
    return (
        (not query.statuses or run.status in query.statuses)
        and query.requester_id in {None, run.requester.id}
        and query.recipe in {None, run.spec.recipe}
        and any(text in word.lower() for word in (run.id, run.spec.name, run.spec.recipe))
    )
