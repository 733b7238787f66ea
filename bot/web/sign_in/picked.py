"""Who asks, in the local profile: a cookie with a person's id, signed with the home's secret."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web
from typing_extensions import override

from bot.domain.people import Actor, Person
from bot.ports.directory import Directory
from bot.web.sign_in.identity import NOBODY, Door, Identity

COOKIE = "krsp_person"
LASTS = timedelta(days=30)


@dataclass(frozen=True)
class Picking:
    """What the door needs: `secret` signs its cookies."""

    secret: bytes
    directory: Directory
    now: Callable[[], datetime]
    is_https: bool = False


def sign(secret: bytes, person: Person, now: datetime) -> str:
    """Return a cookie's value that says who this is."""
    said = json.dumps([person.id, person.tenant, int(now.timestamp())]).encode()
    body = base64.urlsafe_b64encode(said).decode()
    return f"{body}.{_mac(secret, body)}"


def read(secret: bytes, cookie: str, now: datetime) -> Actor | None:
    """Return whom a cookie names; None if it was not made here, or is too old."""
    body, _, mac = cookie.partition(".")
    if not hmac.compare_digest(_bytes(mac), _mac(secret, body).encode()):
        return None
    try:
        person_id, tenant, at = json.loads(base64.urlsafe_b64decode(body))
    except (binascii.Error, ValueError):
        return None
    age = now - datetime.fromtimestamp(at, UTC)
    return (
        Actor(person_id, tenant, "")
        if timedelta(0) <= age + timedelta(minutes=1) <= LASTS
        else None
    )


def _mac(secret: bytes, body: str) -> str:
    return hmac.new(secret, b"person:" + _bytes(body), hashlib.sha256).hexdigest()


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")  # as aiohttp decodes headers


class PickedDoor(Door):
    """The local profile's door: whoever is at this machine picks who they are."""

    def __init__(self, world: Picking) -> None:
        self._world = world

    @override
    async def identify(self, request: web.Request) -> Identity:
        cookie = request.cookies.get(COOKIE)
        actor = read(self._world.secret, cookie, self._world.now()) if cookie else None
        if actor is None:
            return NOBODY
        return Identity(person=await self._world.directory.find(actor.id, actor.tenant))

    @override
    def insist_on_our_page(self, request: web.Request, identity: Identity) -> None:
        """Do nothing: Origin is checked for everybody, and the cookie is SameSite=Strict."""

    @override
    def routes(self) -> Sequence[web.RouteDef]:
        return ()

    def remember(self, response: web.Response, person: Person) -> None:
        """Let the browser say from now on who this is."""
        response.set_cookie(
            COOKIE,
            sign(self._world.secret, person, self._world.now()),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._world.is_https,
            path="/",
        )

    def forget(self, response: web.Response) -> None:
        """Let the browser say nothing any more."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
