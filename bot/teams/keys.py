"""The channel's signing keys, from its OpenID metadata: cached, and fetched without blocking."""

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

METADATA_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"

# Microsoft rotates keys seldom and asks to look once a day; an unknown key is worth a look, but a
# stranger's made-up key must not make us ask at each request.
_STALE_AFTER = timedelta(days=1)
_LOOK_AGAIN_AFTER = timedelta(hours=1)
_RETRY_AFTER = timedelta(seconds=10)


@dataclass(frozen=True)
class ChannelKey:
    """A key, and the channels for which its tokens may speak."""

    key: jwt.PyJWK
    endorsements: frozenset[str]


class SigningKeys:
    """Finds a key by its id. One refresh at a time; a failed one leaves the known keys in use."""

    def __init__(
        self, clock: Clock, *, metadata_url: str = METADATA_URL, timeout_s: float = 5.0
    ) -> None:
        self._clock = clock
        self._url = metadata_url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._keys: Mapping[str, ChannelKey] = {}
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> ChannelKey:
        """Return the key; raise `UnauthenticatedError` for one that the channel does not publish.

        Raises `UnavailableError` when the keys were never seen and cannot be fetched.
        """
        async with self._lock:
            if self._should_look(key_id):
                await self._refresh()
        if self._fetched is None:
            raise UnavailableError("The channel's signing keys cannot be fetched just now.")
        if key_id not in self._keys:
            raise UnauthenticatedError("The token is signed with a key that nobody published.")
        return self._keys[key_id]

    def _should_look(self, key_id: str) -> bool:
        now = self._clock.now()
        if self._tried is not None and now - self._tried < _RETRY_AFTER:
            return False
        if self._fetched is None or now - self._fetched >= _STALE_AFTER:
            return True
        return key_id not in self._keys and now - self._fetched >= _LOOK_AGAIN_AFTER

    async def _refresh(self) -> None:
        self._tried = self._clock.now()
        try:
            async with aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session:
                metadata = await _json(session, self._url)
                self._keys = _read(await _json(session, metadata["jwks_uri"]))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("signing keys could not be fetched: %s", type(error).__name__)
            return
        self._fetched = self._tried
        log.info("fetched %d signing keys of the channel", len(self._keys))


async def _json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, raise_for_status=True) as response:
        body = await response.json(content_type=None)
    if not isinstance(body, dict):
        raise TypeError("no JSON object")
    return body


def _read(jwks: Mapping[str, Any]) -> dict[str, ChannelKey]:
    keys = {}
    for item in jwks["keys"]:
        try:
            keys[item["kid"]] = ChannelKey(
                jwt.PyJWK(item, algorithm="RS256"), frozenset(item.get("endorsements") or ())
            )
        except (jwt.PyJWTError, KeyError):
            log.info("left out a signing key that this bot cannot use")
    return keys
