"""A browser's session: one cookie for us, and one token that our own page alone can send."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.domain.people import Person
from bot.web.problems import ForeignPageError
from bot.web.sign_in.identity import Session
from bot.web.sign_in.seals import Seal, derived

HEADER = "X-KRSP-Token"
SESSION, PAGE_TOKEN = "krsp_session", "krsp_token"


@dataclass(frozen=True)
class CookieRules:
    """How cookies are made. `secret` is the same on each replica."""

    secret: bytes
    now: Callable[[], datetime]
    is_https: bool

    def name(self, name: str) -> str:
        """Return the cookie's name; `__Host-` keeps neighbouring hosts from setting it for us.

        Browsers take the prefix only over https.
        """
        return f"__Host-{name}" if self.is_https else name


class Sessions:
    """Opens, reads and closes sessions; `lasts` counts from the sign-in, however busy one is."""

    def __init__(self, rules: CookieRules, lasts: timedelta) -> None:
        self._rules, self._lasts = rules, lasts
        self._seal = Seal(rules.secret, "session", lasts)
        self._key = derived(rules.secret, "page token")

    def begin(self, response: web.StreamResponse, person: Person) -> None:
        """Give the browser a new session, never one that it brought along."""
        now, session_id = self._rules.now(), secrets.token_urlsafe(16)
        said = {"id": session_id, "of": [person.id, person.tenant], "at": int(now.timestamp())}
        self._set(response, SESSION, self._seal.close(said, now), httponly=True, samesite="Lax")
        self._set(response, PAGE_TOKEN, self._token(session_id), httponly=False, samesite="Strict")

    def read(self, request: web.Request) -> Session | None:
        """Return the session of the request's cookie, if it is ours and not over."""
        cookie = request.cookies.get(self._rules.name(SESSION), "")
        said = self._seal.open(cookie, self._rules.now())
        if said is None:
            return None
        person_id, tenant = said["of"]
        ends_at = datetime.fromtimestamp(said["at"], UTC) + self._lasts
        return Session(said["id"], person_id, tenant, ends_at)

    def forget(self, response: web.StreamResponse) -> None:
        """Take both cookies from the browser."""
        for name in (SESSION, PAGE_TOKEN):
            response.del_cookie(self._rules.name(name), path="/", secure=self._rules.is_https)

    def insist_on_our_page(self, request: web.Request, session_id: str) -> None:
        """Raise `ForeignPageError` unless our own page sent the request.

        The browser says so, and the page shows a token that it can read and no other site can.
        """
        site = request.headers.get("Sec-Fetch-Site")
        # The guard has refused every foreign Origin already; here one is needed.
        is_ours = site == "same-origin" if site else "Origin" in request.headers
        given = request.headers.get(HEADER, "").encode("utf-8", "surrogateescape")
        if not is_ours or not hmac.compare_digest(given, self._token(session_id).encode()):
            raise ForeignPageError(
                "This request does not come from our own page. Load the page again and repeat it."
            )

    def _token(self, session_id: str) -> str:
        return hmac.new(self._key, session_id.encode(), hashlib.sha256).hexdigest()

    def _set(
        self, response: web.StreamResponse, name: str, value: str, *, httponly: bool, samesite: str
    ) -> None:
        response.set_cookie(
            self._rules.name(name),
            value,
            max_age=int(self._lasts.total_seconds()),
            httponly=httponly,
            samesite=samesite,
            secure=self._rules.is_https,
            path="/",
        )
