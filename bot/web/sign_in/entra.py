"""The azure profile's door: a session's cookie in browsers, bearer tokens from all others."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import hdrs, web
from typing_extensions import override

from bot.domain.people import Person
from bot.errors import BotError, InputError, UnauthenticatedError
from bot.oidc import Claims
from bot.web.sign_in.attempts import Attempt, Attempts
from bot.web.sign_in.bearers import Bearers
from bot.web.sign_in.claims import NoRoleError, person_of
from bot.web.sign_in.code_flow import CodeFlow
from bot.web.sign_in.identity import NOBODY, Door, Identity
from bot.web.sign_in.pages import goodbye, refusal
from bot.web.sign_in.return_to import own_path
from bot.web.sign_in.roles import Roles
from bot.web.sign_in.sessions import Sessions

log = logging.getLogger(__name__)

SIGN_IN, CALLBACK, SIGN_OUT, GOODBYE = (
    f"/auth/{name}" for name in ("sign-in", "callback", "sign-out", "signed-out")
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Once(Protocol):
    """What may happen once: part of the store, so that every replica knows of it."""

    async def claim(self, key: str, now: datetime) -> bool:
        """Note the key; False if it was known."""

    async def has_claim(self, key: str) -> bool:
        """Return whether the key was noted."""


@dataclass(frozen=True)
class EntraDoor(Door):
    """Signs people in at Entra, and looks at each request whether that still holds."""

    flow: CodeFlow
    bearers: Bearers
    sessions: Sessions
    attempts: Attempts
    roles: Roles
    once: Once
    public_url: str
    now: Callable[[], datetime]

    @override
    async def identify(self, request: web.Request) -> Identity:
        if hdrs.AUTHORIZATION in request.headers:
            return await self.bearers.identify(request.headers[hdrs.AUTHORIZATION])
        session = self.sessions.read(request)
        if session is None or await self.once.has_claim(_over(session.id)):
            return NOBODY
        person = await self.roles.directory.find(session.person_id, session.tenant)
        return Identity(person=person, session=session.id) if person else NOBODY

    @override
    def insist_on_our_page(self, request: web.Request, identity: Identity) -> None:
        if identity.session:
            self.sessions.insist_on_our_page(request, identity.session)

    @override
    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.get(SIGN_IN, _shown(self._sign_in), allow_head=False),
            web.get(CALLBACK, _shown(self._callback), allow_head=False),
            web.get(GOODBYE, self._goodbye),
            web.post(SIGN_OUT, self._sign_out),
        )

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to Entra. What comes back counts in this browser only, and once."""
        attempt = self.attempts.fresh(own_path(request.query.get("return_to", "/")))
        response = _redirect(await self.flow.question(attempt))
        self.attempts.keep(response, attempt)
        return response

    async def _callback(self, request: web.Request) -> web.StreamResponse:
        attempt = await self._attempt(request)
        code = request.query.get("code")
        if not code:
            fault = request.query.get("error", "no_code")[:60]
            raise UnauthenticatedError(f"Entra did not sign you in ({fault}). Sign in again.")
        person = await self._remembered(await self.flow.answer(attempt, code))
        response = _redirect(self.public_url + attempt.return_to)
        self.attempts.forget(response, attempt)
        self.sessions.begin(response, person)
        log.info("%s signed in as %s", person.id, person.role)
        return response

    async def _attempt(self, request: web.Request) -> Attempt:
        """Return the attempt that this browser began; it counts once."""
        attempt = self.attempts.find(request, request.query.get("state", ""))
        if attempt is None:
            raise UnauthenticatedError(
                "This browser did not begin this sign-in, or more than ten minutes ago."
            )
        if not await self.once.claim(f"sign-in:{attempt.state}", self.now()):
            raise UnauthenticatedError("This sign-in was completed before; it counts once.")
        return attempt

    async def _remembered(self, claims: Claims) -> Person:
        """Return the person; chat and page know from now on what they may, or that nothing."""
        try:
            person = person_of(claims, self.roles.tenant)
        except NoRoleError as error:
            await self.roles.forget(error.person_id)
            raise
        await self.roles.remember(person, self.now())
        return person

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session everywhere, not only in this browser; say where to go on to."""
        session = self.sessions.read(request)
        if session is not None:
            self.sessions.insist_on_our_page(request, session.id)
            await self.once.claim(_over(session.id), self.now())
        onwards = await self.flow.way_out(self.public_url + GOODBYE)
        response = web.json_response({"location": onwards}, headers={"Cache-Control": "no-store"})
        self.sessions.forget(response)
        return response

    async def _goodbye(self, _: web.Request) -> web.StreamResponse:
        return goodbye(SIGN_IN)


def _over(session_id: str) -> str:
    return f"session-over:{session_id}"


def _redirect(url: str) -> web.Response:
    headers = {hdrs.LOCATION: url, hdrs.CACHE_CONTROL: "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)


def _shown(handler: Handler) -> Handler:
    """Return the handler with its refusals as pages, since a person is looking."""

    async def shown(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BotError as error:
            if error.is_bug:
                raise
            again = "/" if isinstance(error, InputError) else SIGN_IN
            return refusal(str(error), error.status, again)

    return shown
