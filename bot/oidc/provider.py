"""An OpenID provider as it describes itself: addresses and signing keys.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from bot.errors import UnavailableError
from bot.oidc.published import GetJson, Published, find_key, usable_keys
from bot.ports import Clock

_LOOK_AGAIN_AFTER = timedelta(minutes=5)  # Entra rotates its keys at any time
_ANY_TENANT = "{tenantid}"


@dataclass(frozen=True)
class Metadata:
    """Where the provider signs people in and out, and who it says it is."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str  # empty: it offers none


@dataclass(frozen=True)
class _Known:
    metadata: Metadata
    keys: Mapping[str, jwt.PyJWK]


class Provider:
    """One issuer. One look at a time; a failed one leaves what is known in use."""

    def __init__(self, issuer: str, clock: Clock, *, timeout_s: float = 5.0) -> None:
        self._issuer = issuer
        self._published = Published(
            issuer, self._fetch, clock, look_again_after=_LOOK_AGAIN_AFTER, timeout_s=timeout_s
        )

    async def metadata(self) -> Metadata:
        """Return its addresses; `UnavailableError` while they were never seen."""
        return (await self._look(lambda _: True)).metadata

    async def find(self, key_id: str) -> jwt.PyJWK:
        """Return the key; `UnauthenticatedError` for one that the provider does not publish.

        Raises `UnavailableError` when the keys were never seen and cannot be fetched.
        """
        return find_key((await self._look(lambda known: key_id in known.keys)).keys, key_id)

    async def _look(self, is_enough: Callable[[_Known], bool]) -> _Known:
        known = await self._published.look(is_enough)
        if known is None:
            raise UnavailableError(
                f"{self._issuer}, which vouches for people, does not answer just now. "
                "Try again in a minute."
            )
        return known

    async def _fetch(self, get_json: GetJson) -> _Known:
        url = f"{self._issuer}/.well-known/openid-configuration"
        metadata = _metadata(await get_json(url), self._issuer)
        return _Known(metadata, _keys(await get_json(metadata.jwks_uri), self._issuer))


def _metadata(said: Mapping[str, Any], issuer: str) -> Metadata:
    """Return what it says. One that calls itself otherwise is not the one we asked for."""
    if said["issuer"] != issuer:
        raise ValueError(f"the issuer calls itself {said['issuer']!r}")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=str(said["authorization_endpoint"]),
        token_endpoint=str(said["token_endpoint"]),
        jwks_uri=str(said["jwks_uri"]),
        end_session_endpoint=str(said.get("end_session_endpoint", "")),
    )


def _keys(jwks: Mapping[str, Any], issuer: str) -> dict[str, jwt.PyJWK]:
    """Return the keys that may sign for the issuer; Entra lists other issuers' beside its own.

    https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer
    """
    return {
        said["kid"]: key
        for said, key in usable_keys(jwks, issuer)
        if _ANY_TENANT in (owner := said.get("issuer", issuer)) or owner == issuer
    }
