"""What a provider publishes about itself: looked at seldom, one look at a time, never blocking."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import aiohttp
import jwt

from bot.errors import UnauthenticatedError
from bot.ports import Clock

log = logging.getLogger(__name__)

# Microsoft asks to look once a day, and for a key that is not known yet (it rotates keys at any
# time); a stranger's made-up key must not make us ask at each request.
# https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
_STALE_AFTER = timedelta(days=1)
_RETRY_AFTER = timedelta(seconds=10)

T = TypeVar("T")
GetJson = Callable[[str], Awaitable[dict[str, Any]]]


class Published(Generic[T]):
    """What `fetch` last read from `source`; a failed look leaves what is known in use."""

    def __init__(
        self,
        source: str,
        fetch: Callable[[GetJson], Awaitable[T]],
        clock: Clock,
        *,
        look_again_after: timedelta,
        timeout_s: float,
    ) -> None:
        self._source, self._fetch, self._clock = source, fetch, clock
        self._look_again_after = look_again_after
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._known: tuple[T, datetime] | None = None
        self._tried: datetime | None = None
        self._lock = asyncio.Lock()

    async def look(self, is_enough: Callable[[T], bool]) -> T | None:
        """Return what is known, asked for again where it is old; None while nothing is.

        What is not enough counts as old sooner, after `look_again_after`.
        """
        async with self._lock:
            if self._should_look(is_enough):
                await self._refresh()
        return None if self._known is None else self._known[0]

    def _should_look(self, is_enough: Callable[[T], bool]) -> bool:
        now = self._clock.now()
        if self._tried is not None and now - self._tried < _RETRY_AFTER:
            return False
        if self._known is None:
            return True
        known, at = self._known
        if now - at >= _STALE_AFTER:
            return True
        return now - at >= self._look_again_after and not is_enough(known)

    async def _refresh(self) -> None:
        self._tried = self._clock.now()
        try:
            # `trust_env`: Azure may be behind a proxy that only the environment names.
            async with aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session:
                found = await self._fetch(lambda url: _json(session, url))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("%s could not be asked for its keys: %r", self._source, error)
            return
        self._known = found, self._tried
        log.info("fetched the signing keys of %s", self._source)


def usable_keys(jwks: Mapping[str, Any], source: str) -> list[tuple[Mapping[str, Any], jwt.PyJWK]]:
    """Return the keys that can be used, each behind what is said of it, its `kid` included."""
    found = []
    for said in jwks["keys"]:
        try:
            key = jwt.PyJWK(said, algorithm="RS256")
        except (jwt.PyJWTError, KeyError):
            key = None
        if key is None or "kid" not in said:
            log.info("left out a signing key of %s that cannot be used", source)
        else:
            found.append((said, key))
    return found


def find_key(keys: Mapping[str, T], key_id: str) -> T:
    """Return the key; raise `UnauthenticatedError` for one that is not published."""
    if key_id not in keys:
        raise UnauthenticatedError("The token is signed with a key that nobody published.")
    return keys[key_id]


async def _json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, raise_for_status=True) as response:
        body = await response.json(content_type=None)
    if not isinstance(body, dict):
        raise TypeError("no JSON object")
    return body
