"""Who sent a request, and what each profile's door must be able to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import web

from bot.domain.people import Person, ServiceIdentity


@dataclass(frozen=True)
class Identity:
    """A person or a service; neither for nobody. `session` names the cookie's, if one told us."""

    person: Person | None = None
    service: ServiceIdentity | None = None
    session: str = ""


NOBODY = Identity()


class Door(Protocol):
    """Knows who sends requests. One for each profile; stateless but for what it caches."""

    async def identify(self, request: web.Request) -> Identity:
        """Return who sent it; `NOBODY` without any sign of whom.

        Raises `UnauthenticatedError` or `ForbiddenError` for a token that does not count, and
        `UnavailableError` where that cannot be known now.
        """

    def insist_on_our_page(self, request: web.Request, identity: Identity) -> None:
        """Raise `ForbiddenError` where the cookie may have been sent for another site's page.

        For requests that change something; who brings a token has shown that it was meant.
        """

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the addresses at which people sign in."""


@dataclass(frozen=True)
class Session:
    """One browser's sign-in: whose, and when it is over."""

    id: str
    person_id: str
    tenant: str
    ends_at: datetime
