"""Where smaller records are kept, each kind behind a port of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.message import Message
from bot.domain.people import Person
from bot.domain.promotion import Promotion
from bot.domain.run import Event
from bot.domain.schedule import Schedule
from bot.domain.sweep import Sweep


class PeopleStore(Protocol):
    """Remembers whom the directory vouched for, so that chat knows the roles of the last sign-in.

    Every method is one transaction. Raises `DiskFullError`, `UnavailableError`.
    """

    async def put_person(self, person: Person, seen_at: datetime, until: datetime) -> None:
        """Remember a person, known by id and tenant, as they are now; forgotten from `until` on."""

    async def person(self, person_id: str, tenant: str, now: datetime) -> Person | None:
        """Return the person, or None where nobody vouches for them any more."""

    async def people(self, now: datetime) -> Sequence[Person]:
        """Return everybody whom somebody vouches for, by name."""

    async def forget_person(self, person_id: str, tenant: str) -> None:
        """Forget a person at once. May be repeated."""


class PromotionStore(Protocol):
    """Keeps promotions; their events and messages stand among those of their runs.

    Every method is one transaction. Raises `DiskFullError`, `UnavailableError`.
    """

    async def add_promotion(
        self, promotion: Promotion, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Promotion:
        """Store a new promotion and what it tells; return a stored one of that id.

        Raises `NotFoundError` for events of a run that is not there.
        """

    async def save_promotion(
        self, promotion: Promotion, events: Sequence[Event] = (), messages: Sequence[Message] = ()
    ) -> Promotion:
        """Store a changed promotion and what it tells; return it with its new version.

        Raises `ConflictError` when the stored version is not `promotion.version`: load it again;
        `NotFoundError` for an unknown one, or for events of a run that is not there. A message
        whose key is known keeps its delivery and gets the new post, as in `RunStore.save_run`.
        """

    async def promotion(self, promotion_id: str) -> Promotion | None:
        """Return the promotion."""

    async def promotions(self, run_id: str | None = None, limit: int = 50) -> Sequence[Promotion]:
        """Return promotions, of one run or of all, newest first."""

    async def open_promotions(self) -> Sequence[Promotion]:
        """Return all promotions that are in no final state, oldest first."""


class ScheduleStore(Protocol):
    """Keeps schedules by their names.

    Every method is one transaction. Raises `DiskFullError`, `UnavailableError`.
    """

    async def put_schedule(self, schedule: Schedule) -> Schedule:
        """Store a new schedule (version 0) or a changed one; return it with its new version.

        Raises `ConflictError` when the stored version is not `schedule.version` (a new one's name
        is taken, a changed one was changed or removed by somebody else): load it again.
        """

    async def schedule(self, name: str) -> Schedule | None:
        """Return the schedule."""

    async def schedules(self) -> Sequence[Schedule]:
        """Return all schedules by name."""

    async def remove_schedule(self, name: str) -> None:
        """Forget a schedule. May be repeated."""


class SweepStore(Protocol):
    """Keeps sweeps, each with its own trail; its trials are runs like any other.

    Every method is one transaction. Raises `DiskFullError`, `UnavailableError`.
    """

    async def add_sweep(self, sweep: Sweep) -> Sweep:
        """Store a new sweep; return a stored one of that id."""

    async def save_sweep(self, sweep: Sweep, messages: Sequence[Message] = ()) -> Sweep:
        """Store a changed sweep and what it tells; return it with its new version.

        Raises `ConflictError` when the stored version is not `sweep.version`: load it again;
        `NotFoundError` for an unknown one. A message whose key is known keeps its delivery and
        gets the new post, as in `RunStore.save_run`.
        """

    async def sweep(self, sweep_id: str) -> Sweep | None:
        """Return the sweep."""

    async def sweeps(self, limit: int = 50) -> Sequence[Sweep]:
        """Return sweeps, newest first."""

    async def open_sweeps(self) -> Sequence[Sweep]:
        """Return the sweeps that wait for approval or go on, oldest first."""
