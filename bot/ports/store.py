"""Where runs and what belongs to them are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.run import Draft, Event, Run, RunStatus


@dataclass(frozen=True)
class RunQuery:
    """A filter over runs; empty fields do not filter. `text` is looked for in id, name, recipe."""

    statuses: frozenset[RunStatus] = frozenset()
    requester_id: str | None = None
    recipe: str | None = None
    text: str | None = None
    limit: int = 50
    before: tuple[datetime, str] | None = None  # (created_at, id) of the last run already seen


@dataclass(frozen=True)
class RunPage:
    """Runs newest first, how many match in all, and where the next page starts."""

    runs: tuple[Run, ...]
    total: int
    next: tuple[datetime, str] | None


class RunStore(Protocol):
    """Keeps drafts, runs, events, messages and what was already handled.

    Every method is one transaction: after it returns, its effect survives a crash; when it
    raises, nothing of it happened. Raises `DiskFullError`, `UnavailableError`.
    """

    async def add_draft(self, draft: Draft) -> Draft:
        """Store the draft, or return the one that its nonce made before."""

    async def draft(self, draft_id: str) -> Draft | None:
        """Return the draft, started or not."""

    async def add_run(self, run: Run, events: Sequence[Event], messages: Sequence[Message]) -> Run:
        """Store a new run with its first events and messages; return a stored one of that id."""

    async def save_run(
        self, run: Run, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Run:
        """Store a changed run, append events, add messages; return it with its new version.

        Raises `ConflictError` when the stored version is not `run.version`: load it again.
        A message whose key is known keeps its delivery (state, ids, times) and gets the new post;
        where the post differs it becomes dirty, unless it is still PENDING.
        """

    async def run(self, run_id: str) -> Run | None:
        """Return the run."""

    async def runs(self, query: RunQuery) -> RunPage:
        """Return the runs that match, newest first."""

    async def unfinished(self) -> Sequence[Run]:
        """Return all runs that are in no final state, oldest first."""

    async def with_open_messages(self) -> Sequence[str]:
        """Return ids of finished runs that have a message not yet delivered or dirty."""

    async def events(self, run_id: str, after: int = 0) -> Sequence[Event]:
        """Return the run's events with `seq` above `after`, in order."""

    async def add_event(self, event: Event) -> Event:
        """Append one event; returns it with its `seq`."""

    async def add_message(self, message: Message) -> bool:
        """Store a message unless its key is known; return whether it was new."""

    async def save_message(self, message: Message) -> None:
        """Store how delivery stands: state, activity_id, times, attempts, fault; never the post.

        `message.post` is what the thread shows now: the stored message stays or becomes dirty
        where a newer post was stored meanwhile, else it is clean (if SENT).
        """

    async def put_post(self, key: str, post: Post) -> None:
        """Give a message a newer post and leave its delivery as it is; `NotFoundError` if unknown.

        Where the post differs the message becomes dirty, unless it is still PENDING.
        """

    async def message(self, key: str) -> Message | None:
        """Return the message."""

    async def message_shown_as(self, thread_id: str, activity_id: str) -> Message | None:
        """Return the message that a thread knows under the channel's id."""

    async def messages(
        self, *, run_id: str | None = None, states: Collection[MessageState] = (), limit: int = 500
    ) -> Sequence[Message]:
        """Return messages, oldest first; empty arguments do not filter."""

    async def dirty_messages(self, limit: int = 500) -> Sequence[Message]:
        """Return sent messages whose post is newer than what is shown, oldest edit first."""

    async def claim(self, key: str, now: datetime) -> bool:
        """Note that `key` (an activity's id, a click's nonce) is being handled; False if known."""

    async def has_claim(self, key: str) -> bool:
        """Return whether `key` was claimed."""

    async def forget_claims(self, before: datetime) -> int:
        """Drop claims older than `before`; return how many."""

    async def put_thread(self, thread: Thread, now: datetime) -> bool:
        """Remember or refresh a conversation; return whether it is new to us."""

    async def thread(self, thread_id: str) -> Thread | None:
        """Return the conversation."""

    async def check(self) -> None:
        """Return if the store answers; raise `UnavailableError` or `DiskFullError` if not."""
