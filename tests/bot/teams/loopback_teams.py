"""A loopback Teams: the provider that signs its tokens, and the connector that takes messages."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.domain.people import Thread
from tests.bot.teams.listening_bot import THREAD

APP_ID = "00000000-0000-0000-0000-00000000b0b0"
ISSUER = "https://api.botframework.com"


@dataclass
class Issuer:
    """An OpenID provider on loopback: `published` are the keys that it shows, `asked` counts."""

    url: str = ""
    published: dict[str, tuple[rsa.RSAPrivateKey, list[str]]] = field(default_factory=dict)
    secret: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    asked: int = 0
    fails: bool = False

    def publish(self, name: str, endorsements: list[str] | None = None) -> None:
        """Make a key and show it; `rotate` by clearing `published` first."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.secret[name] = key
        self.published[name] = (key, ["msteams"] if endorsements is None else endorsements)

    def token(self, *, kid: str | None = "key-1", signed_by: str = "", **claims: Any) -> str:
        """Return a token; a claim of None is left out."""
        now = int(time.time())
        whole = {
            "iss": ISSUER,
            "aud": APP_ID,
            "nbf": now - 60,
            "exp": now + 3600,
            "serviceurl": "http://127.0.0.1:9/",
        } | claims
        payload = {name: value for name, value in whole.items() if value is not None}
        key = self.secret[signed_by or kid or "key-1"]
        return jwt.encode(payload, key, "RS256", {"kid": kid} if kid else {})

    async def metadata(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.fails:
            raise web.HTTPBadGateway
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.url}/keys"})

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._jwk(name) for name in self.published]})

    def _jwk(self, name: str) -> dict[str, Any]:
        key, endorsements = self.published[name]
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**jwk, "kid": name, "use": "sig", "endorsements": endorsements}


@dataclass
class Connector:
    """Teams' side of sending: `taken` is what it took, `answers` what it says instead of 201."""

    url: str = ""
    taken: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[Callable[[web.Request], Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.headers.append(dict(request.headers))
        if self.answers:
            answer: web.StreamResponse = await self.answers.pop(0)(request)
            return answer
        body = await request.json()
        self.taken.append((request.method, request.rel_url.raw_path, body))
        return web.json_response({"id": f"activity-{len(self.taken)}"}, status=201)

    def refuse(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer the next request so."""

        async def answer(_: web.Request) -> web.Response:
            return web.json_response(body, status=status, headers=headers)

        self.answers.append(answer)

    def thread(self, name: str = "a:alex", **changes: Any) -> Thread:
        """Return a thread whose service is here."""
        return replace(THREAD, id=name, service_url=self.url, **changes)
