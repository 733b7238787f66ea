"""What a token's role means to the rest of the product: chat knows it too, for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.people import Person
from bot.ports.directory import Directory


@dataclass(frozen=True)
class Roles:
    """The tenant's people, and how long a role counts after Entra has vouched for it."""

    tenant: str
    directory: Directory
    lasts: timedelta

    async def remember(self, person: Person, vouched_at: datetime) -> None:
        """Let chat know the role that the person had at a moment."""
        await self.directory.remember(person, vouched_at + self.lasts)

    async def forget(self, person_id: str) -> None:
        """Let chat know that the person has no role any more."""
        await self.directory.forget(person_id, self.tenant)
