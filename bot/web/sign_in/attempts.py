"""Attempts to sign in: what the browser keeps, sealed, while the person is at the provider."""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta

from aiohttp import web

from bot.web.sign_in.seals import Seal
from bot.web.sign_in.sessions import CookieRules

LASTS = timedelta(minutes=10)  # as long as a code may live (RFC 6749, 4.1.2)


@dataclass(frozen=True)
class Attempt:
    """What makes the provider's answer ours: nobody can guess any part of it."""

    state: str
    nonce: str
    verifier: str
    return_to: str


class Attempts:
    """Keeps each attempt in a cookie of its own, so that two tabs can sign in at once."""

    def __init__(self, rules: CookieRules) -> None:
        self._rules, self._seal = rules, Seal(rules.secret, "sign-in", LASTS)

    @staticmethod
    def fresh(return_to: str) -> Attempt:
        """Return a new attempt."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        return Attempt(state, nonce, verifier, return_to)

    def keep(self, response: web.StreamResponse, attempt: Attempt) -> None:
        """Let the browser keep the attempt."""
        response.set_cookie(
            self._name(attempt.state),
            self._seal.close(asdict(attempt), self._rules.now()),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="Lax",  # the provider's page leads back to us
            secure=self._rules.is_https,
            path="/",
        )

    def find(self, request: web.Request, state: str) -> Attempt | None:
        """Return the attempt that this browser began with the state, if it is not too old."""
        sealed = request.cookies.get(self._name(state), "")
        said = self._seal.open(sealed, self._rules.now())
        return Attempt(**said) if said is not None and said["state"] == state else None

    def forget(self, response: web.StreamResponse, attempt: Attempt) -> None:
        """Take the attempt from the browser."""
        name = self._name(attempt.state)
        response.del_cookie(name, path="/", secure=self._rules.is_https)

    def _name(self, state: str) -> str:
        letters = "".join(c for c in state[:8] if c.isascii() and (c.isalnum() or c in "-_"))
        return self._rules.name(f"krsp_sign_in_{letters}")
