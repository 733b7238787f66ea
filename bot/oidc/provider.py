"""An OpenID provider as it describes itself: addresses and signing keys, cached, never blocking.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import jwt

from bot.errors import UnauthenticatedError, UnavailableError
from bot.ports import Clock

log = logging.getLogger(__name__)

# Entra asks to look once a day, and at once for a key that is not known yet (it rotates keys at
# any time); a stranger's made-up key must not make us ask at each request.
# https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
_STALE_AFTER = timedelta(days=1)
_LOOK_AGAIN_AFTER = timedelta(minutes=5)
_RETRY_AFTER = timedelta(seconds=10)
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
    at: datetime


class Provider:
    """One issuer. One look at a time; a failed one leaves what is known in use."""

    def __init__(self, issuer: str, clock: Clock, *, timeout_s: float = 5.0) -> None:
        self._issuer = issuer
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._known: _Known | None = None
        self._tried: datetime | None = None
        self._lock = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Return its addresses; `UnavailableError` while they were never seen."""
        return (await self._look(None)).metadata

    async def find(self, key_id: str) -> jwt.PyJWK:
        """Return the key; `UnauthenticatedError` for one that the provider does not publish.

        Raises `UnavailableError` when the keys were never seen and cannot be fetched.
        """
        known = await self._look(key_id)
        if key_id not in known.keys:
            raise UnauthenticatedError("The token is signed with a key that nobody published.")
        return known.keys[key_id]

    async def _look(self, key_id: str | None) -> _Known:
        async with self._lock:
            if self._should_look(key_id):
                await self._refresh()
        if self._known is None:
            raise UnavailableError(
                f"{self._issuer}, which vouches for people, does not answer just now. "
                "Try again in a minute."
            )
        return self._known

    def _should_look(self, key_id: str | None) -> bool:
        now = self._clock.now()
        if self._tried is not None and now - self._tried < _RETRY_AFTER:
            return False
        if self._known is None or now - self._known.at >= _STALE_AFTER:
            return True
        is_unknown = key_id is not None and key_id not in self._known.keys
        return is_unknown and now - self._known.at >= _LOOK_AGAIN_AFTER

    async def _refresh(self) -> None:
        self._tried = self._clock.now()
        try:
            # `trust_env`: Azure may be behind a proxy that only the environment names.
            async with aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session:
                url = f"{self._issuer}/.well-known/openid-configuration"
                metadata = _metadata(await _json(session, url), self._issuer)
                keys = _keys(await _json(session, metadata.jwks_uri), self._issuer)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("%s could not be asked for its keys: %r", self._issuer, error)
            return
        self._known = _Known(metadata, keys, self._tried)
        log.info("%s publishes %d signing keys", self._issuer, len(keys))


async def _json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, raise_for_status=True) as response:
        body = await response.json(content_type=None)
    if not isinstance(body, dict):
        raise TypeError("no JSON object")
    return body


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
    keys = {}
    for item in jwks["keys"]:
        if _ANY_TENANT not in (owner := item.get("issuer", issuer)) and owner != issuer:
            continue
        try:
            keys[item["kid"]] = jwt.PyJWK(item, algorithm="RS256")
        except (jwt.PyJWTError, KeyError):
            log.info("left out a signing key of %s that cannot be used", issuer)
    return keys
