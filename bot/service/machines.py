"""Runs that a commit or a schedule asks for in a person's name, through the same policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.changing import By
from bot.domain.drafting import without_blanks
from bot.domain.people import Person, Thread, ThreadKind
from bot.domain.run import Draft, Run, Source
from bot.errors import ConflictError, ForbiddenError
from bot.ports import RunQuery
from bot.service.drafts import Drafts
from bot.service.starting import start_run
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
        if known is not None:
            return known, False
        by = By(draft.requester, self._world.clock.now(), order.source, order.words)
        return await start_run(self._world, draft, by), True

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
    return draft.changes == without_blanks(order.changes)
