"""Who a bearer token speaks for: a person in Teams, or a service in its own name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.oidc import TokenVerifier, bearer_token
from bot.web.sign_in.claims import NoRoleError, person_of_access_token, service_of
from bot.web.sign_in.identity import Identity
from bot.web.sign_in.roles import Roles


@dataclass
class Bearers:
    """Checks each request's token; nothing about it is kept but when a person was last noted."""

    verifier: TokenVerifier
    roles: Roles
    issuer: str  # of people's tokens
    services: frozenset[str]  # client ids that may call
    now: Callable[[], datetime]
    _noted: dict[str, int] = field(default_factory=dict)  # object id -> when their token was made

    async def identify(self, authorization: str) -> Identity:
        """Return who the header speaks for; raises as `Door.identify`."""
        claims = await self.verifier.verify(bearer_token(authorization))
        if "scp" not in claims:
            return Identity(service=service_of(claims, self.roles.tenant, self.services))
        try:
            person = person_of_access_token(claims, self.roles.tenant, self.issuer)
        except NoRoleError as error:
            await self.roles.forget(error.person_id)
            raise
        made = int(claims.get("iat", self.now().timestamp()))
        if self._noted.get(person.id, -1) < made:  # once a token, not once a request
            await self.roles.remember(person, datetime.fromtimestamp(made, UTC))
            self._noted[person.id] = made
        return Identity(person=person)
