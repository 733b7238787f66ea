"""Whether a token is good: signature, issuer, audience and times; what it says is for others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import jwt
from jwt.types import Options

from bot.errors import UnauthenticatedError

Claims = Mapping[str, Any]
LEEWAY = timedelta(minutes=2)  # how far two clocks may differ
ALGORITHM = "RS256"  # all that Entra signs with; a token never chooses
# Nothing but the signature: times are checked against our own clock, the rest with them.
_SIGNATURE_ONLY: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
}


class Keys(Protocol):
    """Finds the keys that may sign."""

    async def find(self, key_id: str) -> jwt.PyJWK:
        """Return the key. Raises `UnauthenticatedError` for an unknown one, `UnavailableError`."""


@dataclass(frozen=True)
class TokenVerifier:
    """Accepts tokens of some issuers for some audiences."""

    issuers: frozenset[str]
    audiences: frozenset[str]
    keys: Keys
    now: Callable[[], datetime]

    async def verify(self, token: str) -> Claims:
        """Return what a good token says.

        Raises `UnauthenticatedError` for any other, `UnavailableError` without keys to check it by.
        """
        claims = _signed(token, await self.keys.find(key_id_of(token)))
        fault = self._fault(claims)
        if fault is not None:
            raise UnauthenticatedError(f"The token {fault}.")
        return claims

    def _fault(self, claims: Claims) -> str | None:
        """Return what is wrong, without quoting the token: it may be somebody else's."""
        if not _is_one_of(claims.get("iss"), self.issuers):
            return "is of another issuer"
        if not _is_one_of(claims.get("aud"), self.audiences):
            return "is not meant for this service"
        return time_fault(claims, self.now())


def time_fault(claims: Claims, now: datetime) -> str | None:
    """Return why the token does not count at `now`; one without an end never does."""
    ends, begins = _seconds(claims.get("exp")), _seconds(claims.get("nbf", 0))
    issued, at, leeway = _seconds(claims.get("iat", 0)), now.timestamp(), LEEWAY.total_seconds()
    if ends is None or begins is None or issued is None:
        return "does not say when it is valid"
    if at >= ends + leeway:
        return "has expired"
    if at < max(begins, issued) - leeway:
        return "is not valid yet"
    return None


def _is_one_of(value: object, good: frozenset[str]) -> bool:
    """Return whether it is one of them; a list of several is for several, so not for us alone."""
    return isinstance(value, str) and value in good


def _seconds(value: object) -> float | None:
    """Return a time in seconds since 1970, if it is one that any clock shows."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        return None
    return float(value)


def _signed(token: str, key: jwt.PyJWK) -> Claims:
    try:
        claims: Claims = jwt.decode(token, key, algorithms=[ALGORITHM], options=_SIGNATURE_ONLY)
    except jwt.PyJWTError as error:
        # The exception's text may quote the token's claims.
        raise UnauthenticatedError(f"The token is not valid ({type(error).__name__}).") from error
    return claims


def key_id_of(token: str) -> str:
    """Return by which key the token says it is signed; raise `UnauthenticatedError` else."""
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise UnauthenticatedError("The token cannot be read.") from error
    if not isinstance(key_id, str) or not key_id:
        raise UnauthenticatedError("The token does not say by which key it is signed.")
    return key_id


def bearer_token(authorization: str) -> str:
    """Return the token of an Authorization header. Raises `UnauthenticatedError` without one."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("The request carries no bearer token.")
    return token.strip()
