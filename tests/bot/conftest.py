"""The whole core over the memory adapters: speak, click, let the world move, see what was said."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from bot.adapters.clock import ManualClock
from bot.adapters.directory import ListedDirectory
from bot.adapters.memory import (
    MemoryJobs,
    MemoryPipelines,
    MemoryRegistry,
    MemoryStore,
    MemoryTracking,
)
from bot.adapters.sampler import OptunaSampler
from bot.chat.conversation import Chat
from bot.chat.turn import Reply, Turn
from bot.domain.message import Message
from bot.domain.people import Actor, Person, Role, Thread, ThreadKind
from bot.domain.plan import Tempo
from bot.domain.policy import Policy
from bot.domain.posts import PlanPost, Post
from bot.domain.promotion_limits import PromotionLimits
from bot.domain.run import ProgressSeen, ResultSeen, Run, RunStatus
from bot.errors import FieldFault, InputError
from bot.ports import Bell
from bot.reconciler import Backends, Reconciler
from bot.service import BaseFolder, DataFile, HubModel, Service
from bot.service import World as ServiceWorld
from trainer.contract.hub import is_commit
from trainer.contract.progress import Phase
from trainer.contract.spec import ModelSpec

TENANT = "tenant-1"
ALEX = Person("id-alex", TENANT, "Alex Wilber", Role.RESEARCHER)
MEGAN = Person("id-megan", TENANT, "Megan Bowen", Role.APPROVER)
NESTOR = Person("id-nestor", TENANT, "Nestor Wilke", Role.ADMIN)
PEOPLE = {"alex": ALEX, "megan": MEGAN, "nestor": NESTOR}
CHANNEL = Thread("19:room;messageid=1", "http://127.0.0.1:1/", ThreadKind.CHANNEL, TENANT, "28:bot")
PRIVATE = Thread("a:alex", "http://127.0.0.1:1/", ThreadKind.PERSONAL, TENANT, "28:bot")

POLICY = Policy(
    version=1,
    currency="EUR",
    prices={"local-cpu": 0.60, "gpu-1": 4.0},
    start_alone_below={Role.RESEARCHER: 1.0, Role.APPROVER: 5.0, Role.ADMIN: 20.0},
    never_above=100.0,
    approvers=(Role.APPROVER, Role.ADMIN),
    cancel_others=(Role.APPROVER, Role.ADMIN),
    data_roots=("data",),
    promote=PromotionLimits(
        prices={"local-cpu": 0.05, "gpu-1": 4.0},
        alone_below={Role.RESEARCHER: 2.0, Role.APPROVER: 20.0, Role.ADMIN: 50.0},
    ),
)

RESULT = ResultSeen(
    steps=50,
    tokens=50_000,
    train_s=25.0,
    loss=1.5,
    eval_loss=1.6,
    eval_perplexity=4.95,
    first_eval_loss=7.9,
    peak_memory_bytes=10**9,
    model="model",
)


class RecordingBell(Bell):
    """Notes what rang; nobody is woken, since tests sweep by hand."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    @override
    def ring(self, topic: str) -> None:
        self.rung.append(topic)

    @override
    @asynccontextmanager
    async def listen(self, topics: Collection[str]) -> AsyncIterator[AsyncIterator[str]]:
        async def nothing() -> AsyncIterator[str]:
            for topic in topics:
                yield topic

        yield nothing()


class World:
    """A bot without Teams, Azure and disk."""

    def __init__(self, policy: Policy = POLICY, sign_in_url: str = "") -> None:
        self.sign_in_url = sign_in_url
        self.store, self.clock, self.bell = MemoryStore(), ManualClock(), RecordingBell()
        self.pipelines, self.jobs = MemoryPipelines(), MemoryJobs()
        self.tracking, self.registry = MemoryTracking(), MemoryRegistry()
        self.files: dict[str, DataFile] = {}
        self.folders: dict[str, BaseFolder] = {}
        self.models: dict[str, HubModel] = {}  # by source; what `main` is
        self.policy = policy
        self.restart()
        self._turns = 0

    def restart(self) -> None:
        """Throw everything away that a killed process loses; store and backends stay."""
        self.service = Service(
            ServiceWorld(
                store=self.store,
                tracking=self.tracking,
                pipelines=self.pipelines,
                clock=self.clock,
                bell=self.bell,
                policy=self.policy,
                directory=ListedDirectory(tuple(PEOPLE.values())),
                jobs=self.jobs,
                schedules=self.store.schedules,
                promotions=self.store.promotions,
                sweeps=self.store.sweeps,
                sampler=OptunaSampler(),
                registry=self.registry,
                is_local=True,
                sign_in_url=self.sign_in_url,
                find_data=self._find_data,
                find_folder=self._find_folder,
                find_model=self._find_model,
            )
        )
        self.chat = Chat(self.service, self.store, self.bell, self.clock)
        self.reconciler = Reconciler(
            Backends(
                pipelines=self.pipelines,
                jobs=self.jobs,
                tracking=self.tracking,
                registry=self.registry,
                store=self.store,
                promotions=self.store.promotions,
                sweeps=self.store.sweeps,
                clock=self.clock,
                bell=self.bell,
            ),
            self.policy,
            Tempo(),
            pause_s=1.0,
        )

    async def _find_data(self, uri: str) -> DataFile | None:
        if uri.startswith("builtin:"):
            return None
        if uri not in self.files:
            raise InputError(
                f"The file `{uri}` is not there.", (FieldFault("data", f"{uri} is not there"),)
            )
        return self.files[uri]

    async def _find_folder(self, uri: str) -> BaseFolder:
        if uri not in self.folders:
            raise InputError(f"The folder `{uri}` is not there.")
        return self.folders[uri]

    async def _find_model(self, model: ModelSpec) -> HubModel:
        if model.source not in self.models:
            raise InputError(f"The hub has no model `{model.source}`.")
        found = self.models[model.source]
        return replace(found, commit=model.revision) if is_commit(model.revision) else found

    def turn(self, who: str = "alex", thread: Thread = CHANNEL, **rest: Any) -> Turn:
        """Return a turn with a key of its own (`key=` gives another)."""
        self._turns += 1
        person = PEOPLE.get(who)
        actor = Actor(person.id, person.tenant, person.name) if person else Actor(who, "x", who)
        return Turn(**{"key": f"turn-{self._turns}", "actor": actor, "thread": thread, **rest})

    async def say(self, text: str, who: str = "alex", **rest: Any) -> list[Post]:
        """Return what was newly said because of `text`."""
        before = {m.key for m in await self.store.messages()}
        await self.chat.handle(self.turn(who, text=text, **rest))
        return [m.post for m in await self.store.messages() if m.key not in before]

    async def click(self, who: str = "alex", thread: Thread = CHANNEL, **action: Any) -> Reply:
        """Press a card's button."""
        return await self.chat.handle(self.turn(who, thread=thread, action=action))

    async def plan(self, text: str = "train tiny-sft", who: str = "alex") -> PlanPost:
        """Ask for a plan and return its card."""
        (post,) = await self.say(text, who)
        assert isinstance(post, PlanPost), post
        return post

    async def start(self, text: str = "train tiny-sft", who: str = "alex") -> Run:
        """Ask for a run and start it."""
        plan = await self.plan(text, who)
        await self.click(who, action="start", draft=plan.draft_id)
        return await self.run(plan.draft_id)

    async def run(self, run_id: str) -> Run:
        """Return the stored run."""
        run = await self.store.run(run_id)
        assert run is not None
        return run

    async def sweep(self, times: int = 1) -> None:
        """Let the reconciler look, a second apart."""
        for _ in range(times):
            await self.reconciler.sweep()
            self.clock.advance(1)

    async def to_training(self, run: Run, step: int = 10) -> Run:
        """Bring a queued run into training."""
        await self.sweep()
        self.pipelines.begin(run.id)
        await self.sweep()
        self.jobs.submit(run.id)
        self.pipelines.finish(run.id)
        await self.sweep()
        self.jobs.begin(run.id, self.clock.now())
        self.train(run.id, step)
        await self.sweep()
        return await self.run(run.id)

    def train(self, run_id: str, step: int, loss: float = 3.0) -> None:
        """Let the trainer say that it has reached a step."""
        self.tracking.seen[run_id] = ProgressSeen(
            phase=Phase.TRAIN, step=step, total=50, loss=loss, first_loss=8.0, tokens=step * 1000
        )

    async def finish(self, run: Run, result: ResultSeen = RESULT) -> Run:
        """Let a training run end well."""
        self.tracking.seen[run.id] = ProgressSeen(
            phase=Phase.EXPORT, step=50, total=50, loss=result.loss, result=result
        )
        self.jobs.finish(run.id, 0, self.clock.now())
        await self.sweep()
        return await self.run(run.id)

    async def to_status(self, status: RunStatus, text: str = "train tiny-sft") -> Run:
        """Return a run in one of the states that are reached often in tests."""
        run = await self.start(text)
        if status is RunStatus.TRAINING:
            return await self.to_training(run)
        if status is RunStatus.SUCCEEDED:
            return await self.finish(await self.to_training(run))
        return run

    async def messages(self, run_id: str, kind: str) -> list[Message]:
        """Return the run's messages of one kind (`run`, `alert`, `approval`)."""
        return [m for m in await self.store.messages(run_id=run_id) if m.post.kind == kind]

    async def story(self, run_id: str) -> list[str]:
        """Return the kinds of the run's events in order."""
        return [event.kind for event in await self.store.events(run_id)]


@pytest.fixture
def world() -> World:
    return World()
