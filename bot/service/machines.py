"""Runs that a commit or a schedule asks for in a person's name, through the same policy."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.changing import By, started
from bot.domain.people import Person, Thread, ThreadKind
from bot.domain.picture import view_of
from bot.domain.plan import Tempo, news
from bot.domain.run import Draft, Run, Source
from bot.errors import ConflictError, ForbiddenError
from bot.ports import RunQuery
from bot.service.drafts import Drafts
from bot.service.world import World
from trainer.contract.recipe import find_recipe

LOOKED_AT = 20  # of the owner's last runs, for the conversation that hears of them


@dataclass(frozen=True)
class Order:
    """What a machine asks for. The same `key` asks for the same run, however often it comes.

    `words` tell the audit trail where it came from; `thread` hears of it (None: the owner's own).
    """

    key: str
    source: Source
    owner_id: str
    recipe: str
    changes: Mapping[str, Any]
    words: str
    thread: Thread | None = None


class Machines:
    """Turns orders into runs, once each."""

    def __init__(self, world: World) -> None:
        self._world, self._drafts = world, Drafts(world)

    async def request(self, order: Order) -> tuple[Run, bool]:
        """Return the order's run, and whether it is new.

        Raises `InputError` with every fault, `ForbiddenError` for an owner whom nobody knows,
        `ConflictError` for a key that was used for something else.
        """
        owner = await self.owner(order.owner_id)
        thread = order.thread or await self._thread_of(owner) or self._world.announce
        asked = self._drafts.asked(owner, thread, order.key, order.changes)
        draft = await self._drafts.from_recipe(replace(asked, is_unattended=True), order.recipe)
        if draft.spec.recipe != find_recipe(order.recipe).name or not _is_same(draft, order):
            raise ConflictError(
                f"The key `{order.key}` was used for another request ({draft.id}). "
                "A changed file needs a new commit, a changed schedule a new slot."
            )
        known = await self._world.store.run(draft.id)
        return (known, False) if known is not None else (await self._start(draft, order), True)

    async def _start(self, draft: Draft, order: Order) -> Run:
        now = self._world.clock.now()
        by = By(draft.requester, now, order.source, order.words)
        change = started(draft, by, self._world.policy, secrets.token_urlsafe)
        told = news(change.run, view_of(change.run, now), {}, now, Tempo())
        run = await self._world.store.add_run(change.run, change.events, told)
        for topic in ("wake", "outbox", "runs", f"run:{run.id}"):
            self._world.bell.ring(topic)
        return run

    async def owner(self, owner_id: str) -> Person:
        """Return the person in whose name it runs. Raises `ForbiddenError` for an unknown one."""
        for person in await self._world.directory.everybody():
            if person.id == owner_id:
                return person
        raise ForbiddenError(
            f"Nobody here is known by the id `{owner_id[:64]}`, in whose name this run was asked "
            "for. They sign in once on the page, or the file names somebody else as `owner`."
        )

    async def _thread_of(self, person: Person) -> Thread | None:
        """Return the channel in which the person last asked for a run, else any conversation."""
        query = RunQuery(requester_id=person.id, limit=LOOKED_AT)
        threads = [t for run in (await self._world.store.runs(query)).runs for t in run.threads]
        channels = [thread for thread in threads if thread.kind is ThreadKind.CHANNEL]
        return next(iter([*channels, *threads]), None)


def _is_same(draft: Draft, order: Order) -> bool:
    """Return whether the draft that the key brought is the order's own."""
    wanted = {key: value for key, value in order.changes.items() if value not in ("", None)}
    return draft.changes == wanted
