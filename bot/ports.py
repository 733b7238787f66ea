"""The only protocols between the core and the world; each docstring is a contract.

Every adapter of a port passes the port's suite in `tests/adapters/`. Adapters raise `BotError`s
only: what a library raises is wrapped where it is called.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.message import Message, MessageState
from bot.domain.output import LogHits, LogLines, Mark, Marks, Metrics, MetricsQuery, Series
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.run import Draft, Event, JobSeen, PipelineSeen, ProgressSeen, Run, RunStatus
from trainer.contract.spec import RunSpec

# What ports take and return is imported from here, wherever it is defined.
__all__ = [
    "Bell",
    "Channel",
    "Clock",
    "Jobs",
    "LogHits",
    "LogLines",
    "Mark",
    "Marks",
    "Metrics",
    "MetricsQuery",
    "PipelineRequest",
    "Pipelines",
    "RunPage",
    "RunQuery",
    "RunStore",
    "Series",
    "Tracking",
]


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the time in UTC, with its zone."""

    async def sleep(self, seconds: float) -> None:
        """Wait; a test's clock returns at once and moves its time forward."""


@dataclass(frozen=True)
class PipelineRequest:
    """What a pipeline run is started with; nothing else decides what it does."""

    run_id: str
    spec: RunSpec
    requested_by: str  # the person's directory object id, for the audit trail


class Pipelines(Protocol):
    """Starts and watches runs of `azure-pipelines/train.yml`."""

    async def start(self, request: PipelineRequest) -> None:
        """Start the pipeline run named `request.run_id`, once.

        May be repeated, also after a crash in the middle: the same run id never starts a second
        one. Raises `UnavailableError` when it cannot be known whether it started (repeat later),
        `DiskFullError`, `SetupError` for a pipeline file that cannot be used.
        """

    async def observe(self, run_ids: Collection[str]) -> Mapping[str, PipelineSeen]:
        """Return what is known of each; a run id that was never started is absent."""

    async def cancel(self, run_id: str) -> None:
        """Ask the pipeline run to end. May be repeated; unknown and ended ones are left alone."""

    async def log(self, run_id: str) -> Sequence[str]:
        """Return all log lines of its steps in order, secrets masked; empty when unknown."""


class Jobs(Protocol):
    """Watches the jobs that the pipeline submitted; job name = run id."""

    async def observe(self, run_ids: Collection[str]) -> Mapping[str, JobSeen]:
        """Return what is known of each; `JobState.ABSENT` for one that was never submitted."""

    async def cancel(self, run_id: str) -> None:
        """Ask the job to end, waiting or running. May be repeated; ended ones are left alone."""

    async def advance(self) -> None:
        """Let waiting jobs begin where there is room. A backend with its own queue does nothing."""


class Tracking(Protocol):
    """Reads what a run's trainer writes: progress, metrics, logs. Never writes."""

    async def observe(self, run_ids: Collection[str]) -> Mapping[str, ProgressSeen]:
        """Return each run's progress; one that has written nothing is absent."""

    async def marks(self, run_ids: Collection[str]) -> Mapping[str, Marks]:
        """Return how far each run's files have grown; absent where there are none."""

    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        """Return bucketed curves, every extreme kept; empty for a run without progress.

        Steps that a resumed attempt wrote again count once: the later line wins.
        """

    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        """Return at most `count` lines from `first`; a negative `first` counts from the end."""

    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        """Return the lines that hold `text`, ignoring case."""

    def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        """Yield the whole log in pieces, redacted, for a download."""


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
