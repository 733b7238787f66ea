"""The bot's own access tokens for the connector, from a credential that the profile hands in."""

import asyncio
import logging
from datetime import datetime
from typing import Protocol

from bot.errors import ThrottledError
from bot.ports import Clock

log = logging.getLogger(__name__)

SCOPE = "https://api.botframework.com/.default"

_RENEW_BEFORE_S = 300  # a token must outlive the request that it goes with
_WAIT_S = 30.0


class AccessToken(Protocol):
    """What azure-identity returns: the token, and when it ends, in seconds since 1970."""

    @property
    def token(self) -> str: ...

    @property
    def expires_on(self) -> int: ...


class Credential(Protocol):
    """An `azure.identity.aio` credential: client secret, certificate or managed identity."""

    async def get_token(self, *scopes: str) -> AccessToken:
        """Return a token for the scopes."""


class AppTokens:
    """Keeps one token until shortly before it ends; one request for a new one at a time."""

    def __init__(self, credential: Credential, clock: Clock, *, timeout_s: float = 10.0) -> None:
        self._credential = credential
        self._clock = clock
        self._timeout_s = timeout_s
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def header(self) -> str:
        """Return the Authorization header; raise `ThrottledError` while there is no token."""
        async with self._lock:
            if self._token is None or self._is_old(self._token, self._clock.now()):
                self._token = await self._fetch()
            return f"Bearer {self._token.token}"

    def forget(self) -> None:
        """Drop the token, because it was refused."""
        self._token = None

    async def _fetch(self) -> AccessToken:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._credential.get_token(SCOPE)
        except Exception as error:
            log.error("the bot gets no access token: %s", type(error).__name__)  # noqa: TRY400
            raise ThrottledError("The bot gets no access token.", _WAIT_S) from error

    @staticmethod
    def _is_old(token: AccessToken, now: datetime) -> bool:
        return token.expires_on - now.timestamp() < _RENEW_BEFORE_S
