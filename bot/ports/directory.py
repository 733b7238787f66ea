"""Who the people are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.people import Person


class Directory(Protocol):
    """Knows people by object id and tenant, with the role that each has now.

    Raises `DiskFullError`, `UnavailableError`.
    """

    async def find(self, person_id: str, tenant: str) -> Person | None:
        """Return the person, or None where nobody vouches for them (any more)."""

    async def everybody(self) -> Sequence[Person]:
        """Return all people that can be found now, in the order in which they are shown."""

    async def remember(self, person: Person, until: datetime) -> None:
        """Note whom the identity provider vouched for, as they are now, until a moment.

        May be repeated; the newest counts. A directory that is a list of its own keeps to the list.
        """

    async def forget(self, person_id: str, tenant: str) -> None:
        """Note that the identity provider no longer gives the person a role. May be repeated."""
