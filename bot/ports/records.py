"""Where smaller records are kept, each kind behind a port of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.people import Person


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
