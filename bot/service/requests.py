"""One method for one request, from chat or page: check the right, change the facts, once."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.domain.changing import By, Change, cancelled, decided, id_in_key
from bot.domain.forms import form_fields
from bot.domain.message import MessageState
from bot.domain.naming import is_run_id, nearest
from bot.domain.people import Actor, Person, Thread
from bot.domain.picture import view_of
from bot.domain.plan import Tempo, news
from bot.domain.policy import (
    RunRights,
    insist,
    right_to_cancel,
    right_to_decide,
    rights_in_words,
    run_rights,
)
from bot.domain.posts import FormField
from bot.domain.run import Draft, Event, Run, RunStatus, Source
from bot.domain.view import RunView
from bot.errors import (
    BotError,
    ConflictError,
    FieldFault,
    ForbiddenError,
    InputError,
    NotFoundError,
)
from bot.ports import ClusterSeen, LogHits, LogLines, Metrics, MetricsQuery, RunPage, RunQuery
from bot.service.deciding import asked_here, is_repeated, reason_for_no, refuse_stale_card
from bot.service.drafts import Drafts
from bot.service.logs import Logs
from bot.service.machines import Machines
from bot.service.orders import Orders
from bot.service.people import People
from bot.service.promotions import Promotions
from bot.service.results import Results
from bot.service.schedules import Schedules
from bot.service.starting import ring_for, start_run
from bot.service.sweeps import Sweeps
from bot.service.world import World
from trainer.contract.faults import SpecError
from trainer.contract.recipe import find_recipe

WAITING = (RunStatus.QUEUED, RunStatus.PREPARING, RunStatus.WAITING)


class Service:
    """The core's door: everything that a person can ask for."""

    def __init__(self, world: World) -> None:
        self._world, self._drafts = world, Drafts(world)
        self._logs = Logs(world.tracking, world.pipelines)
        self._people = People(world.directory, world.sign_in_url)
        self._store, self._policy = world.store, world.policy
        self.now = world.clock.now
        self.machines = Machines(world)
        self.schedules = Schedules(world, world.schedules, self.machines)
        self.sweeps = Sweeps(world, self._drafts)
        self.promotions, self.results = Promotions(world), Results(world.jobs)
        self.currency, self.is_local = world.policy.currency, world.is_local
        self.announce = world.announce

    def orders(self, public_url: str) -> Orders:
        """Return the door for pipelines; its answers lead to pages below `public_url`."""
        return Orders(self.machines, self._world.schedules, public_url)

    async def people(self) -> Sequence[Person]:
        """Return everybody who may use the system."""
        return await self._people.everybody()

    async def person(self, actor: Actor) -> Person:
        """Return who the actor is to us. Raises `ForbiddenError` for anybody unknown."""
        return await self._people.known(actor)

    def rights(self, person: Person) -> tuple[str, ...]:
        """Return in sentences what the person may do."""
        return rights_in_words(self._policy, person)

    def run_rights(self, person: Person, run: Run) -> RunRights:
        """Return what the person may do with the run now."""
        return run_rights(self._policy, person, run, self._world.clock.now())

    def fields(
        self, recipe: str, typed: Mapping[str, Any] | None = None, faults: Sequence[FieldFault] = ()
    ) -> tuple[FormField, ...]:
        """Return the form of a recipe with what was typed and what was wrong with it."""
        try:
            return form_fields(find_recipe(recipe), typed or {}, faults)
        except SpecError as error:
            raise InputError(str(error), (FieldFault("recipe", error.faults[0].msg),)) from error

    async def draft(
        self,
        person: Person,
        *,
        recipe: str,
        changes: Mapping[str, Any],
        nonce: str,
        thread: Thread | None,
    ) -> Draft:
        """Return a plan for the request; the same nonce returns the same draft."""
        asked = self._drafts.asked(person, thread, nonce, changes)
        return await self._drafts.from_recipe(asked, recipe)

    async def get_draft(self, draft_id: str) -> tuple[Draft, bool]:
        """Return the draft, and whether it was started."""
        draft = await self._store.draft(draft_id)
        if draft is None:
            raise NotFoundError(f"There is no plan `{draft_id}`. Ask again with `train`.")
        return draft, await self._store.run(draft_id) is not None

    async def rerun(
        self,
        person: Person,
        run_id: str,
        nonce: str,
        thread: Thread | None,
        changes: Mapping[str, Any] | None = None,
    ) -> Draft:
        """Return a plan for the same as an earlier run, asked for by `person`, with changes."""
        run = await self.get(run_id)
        return await self._drafts.like(
            self._drafts.asked(person, thread, nonce, changes or {}), run
        )

    async def start(self, person: Person, draft_id: str, source: Source) -> Run:
        """Turn a draft into a run, once. Raises `ForbiddenError` for somebody else's draft."""
        draft, _ = await self.get_draft(draft_id)
        if not person.is_same(draft.requester):
            raise ForbiddenError(
                f"This plan is {draft.requester.name}'s; only they can start it. "
                f"Ask for your own with `train {draft.spec.recipe}`."
            )
        return await start_run(self._world, draft, By(person, self._world.clock.now(), source))

    async def approve(
        self, person: Person, run_id: str, source: Source, key: str | None = None
    ) -> Run:
        """Agree to a run, once; never for oneself."""
        return await self._decide(person, run_id, source, key=key, reason=None)

    async def reject(
        self, person: Person, run_id: str, reason: str, source: Source, key: str | None = None
    ) -> Run:
        """Refuse a run, once, with a reason for its requester."""
        why = reason_for_no(reason)
        return await self._decide(person, run_id, source, key=key, reason=why)

    async def _decide(
        self, person: Person, run_id: str, source: Source, *, key: str | None, reason: str | None
    ) -> Run:
        async def decide(run: Run) -> Change:
            now = self._world.clock.now()
            if is_repeated(run, person, approved=reason is None):
                return Change(run, ())
            refuse_stale_card(run, key)
            insist(right_to_decide(self._policy, person, run, now))
            by = By(person, now, source)
            return decided(run, by, approved=reason is None, reason=reason or "")

        return await self._change(run_id, decide)

    async def run_asked(self, key: str, thread: Thread) -> Run:
        """Return the run whose approval a card asks for; the card counts only where it was sent."""
        return asked_here(await self._store.run(id_in_key(key)), key, thread)

    async def cancel(self, person: Person, run_id: str, reason: str, source: Source) -> Run:
        """Wish that a run ends early; asking again for a run that is being stopped is fine."""

        async def cancel(run: Run) -> Change:
            if run.wish.cancel is not None and not run.status.is_final:
                return Change(run, ())
            insist(right_to_cancel(self._policy, person, run))
            return cancelled(run, By(person, self._world.clock.now(), source), reason.strip())

        return await self._change(run_id, cancel)

    async def _change(self, run_id: str, decide: Callable[[Run], Awaitable[Change]]) -> Run:
        """Apply a decision to the newest form of the run; somebody faster makes it look again."""
        while True:
            change = await decide(await self.get(run_id))
            if not change.events:
                return change.run
            now = self._world.clock.now()
            told = {m.key: m for m in await self._store.messages(run_id=run_id)}
            posts = news(change.run, view_of(change.run, now), told, now, Tempo())
            try:
                run = await self._store.save_run(change.run, change.events, posts)
            except ConflictError:
                continue
            ring_for(self._world.bell, run)
            return run

    async def get(self, run_id: str) -> Run:
        """Return the run of exactly this id."""
        run = await self._store.run(run_id)
        if run is None:
            raise NotFoundError(f"There is no run `{run_id}`. `runs` lists the newest.")
        return run

    async def find(self, reference: str) -> Run:
        """Return the run meant by a full id, the end of one, or a name (its newest run)."""
        if is_run_id(reference):
            return await self.get(reference)
        page = await self._store.runs(RunQuery(text=reference, limit=10))
        exact = [r for r in page.runs if r.spec.name == reference or r.id.endswith(reference)]
        if exact:
            return exact[0]
        names = [r.spec.name for r in (await self._store.runs(RunQuery(limit=50))).runs]
        near = nearest(reference, names)
        hint = f" Did you mean `{near}`?" if near else " `runs` lists the newest."
        raise NotFoundError(f"There is no run `{reference}`.{hint}")

    async def runs(self, query: RunQuery) -> RunPage:
        """Return the runs that match, newest first."""
        return await self._store.runs(query)

    async def queue(self) -> tuple[Sequence[ClusterSeen], Sequence[Run]]:
        """Return the machines, and the runs that have none yet, oldest first."""
        runs = [run for run in await self._store.unfinished() if run.status in WAITING]
        return await self._world.jobs.clusters(), runs

    async def view(self, run: Run) -> RunView:
        """Return the picture of a run, with what may not have been delivered."""
        states = (MessageState.UNKNOWN, MessageState.DEAD)
        lost = await self._store.messages(run_id=run.id, states=states)
        kinds = [(m.post.kind.replace("_", " ").capitalize(), m.state) for m in lost]
        said = dict.fromkeys(f"{kind} message, {_delivery(state)}." for kind, state in kinds)
        return view_of(run, self._world.clock.now(), tuple(said))

    async def views(self, runs: Sequence[Run]) -> tuple[RunView, ...]:
        """Return the pictures of several runs, for a list."""
        now = self._world.clock.now()
        return tuple(view_of(run, now) for run in runs)

    async def events(self, run_id: str, after: int = 0) -> Sequence[Event]:
        """Return the run's audit trail after a sequence number."""
        await self.get(run_id)
        return await self._store.events(run_id, after)

    async def metrics(self, run_id: str, query: MetricsQuery) -> Metrics:
        """Return the run's curves."""
        await self.get(run_id)
        return await self._world.tracking.metrics(run_id, query)

    async def log(self, run_id: str, first: int, count: int) -> LogLines:
        """Return lines of the run's log."""
        await self.get(run_id)
        return await self._logs.lines(run_id, first, count)

    async def search_log(self, run_id: str, text: str, limit: int) -> LogHits:
        """Return which lines of the run's log hold a text."""
        await self.get(run_id)
        return await self._logs.search(run_id, text, limit)

    def read_log(self, run_id: str) -> AsyncIterator[bytes]:
        """Yield the run's whole log; ask `get` first."""
        return self._logs.read(run_id)

    async def health(self) -> tuple[str, ...]:
        """Return what keeps the service from its work; empty when it is ready."""
        try:
            await self._store.check()
        except BotError as error:
            return (str(error),)
        return ()


def _delivery(state: MessageState) -> str:
    if state is MessageState.UNKNOWN:
        return "delivery unknown: it may or may not have arrived, and is not sent again"
    return "not delivered: the conversation no longer takes messages from me"
