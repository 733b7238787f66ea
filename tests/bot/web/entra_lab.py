"""An Entra ID of our own on loopback, whose tokens a test can forge in every way; and a browser."""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.adapters.clock import ManualClock

TENANT = "7e1f0a52-3c64-4f0d-9a0e-5d3b8f6c1a00"
APP = "1f9c6b3e-7a20-4d8b-9e41-c05a8d2f6e05"
PIPELINE = "3b9e8d50-9c42-4fad-9063-e27caf4b8007"
HOST = "krsp.example"
PUBLIC = f"https://{HOST}"
ADA = "00000000-0000-0000-0000-0000000000a1"
SESSION_KEY = "0123456789abcdef0123456789abcdef"
SESSION, PAGE_TOKEN = "__Host-krsp_session", "__Host-krsp_token"


SECRET, KEY = SecretStr("lab-secret"), SecretStr(SESSION_KEY)


@dataclass(frozen=True)
class LabSettings:
    """What `sign_in_of` reads of the settings, with an authority on loopback."""

    authority: str = ""
    profile: str = "azure"
    public_url: str = PUBLIC
    home: Path = Path("/nonexistent")
    sign_in: str = "entra"
    tenant_id: str = TENANT
    bot_app_id: str = APP
    credential: str = "client_secret"
    identity_client_id: str = ""
    certificate_file: Path | None = None
    client_secret: SecretStr = SECRET
    session_key: SecretStr = KEY
    session_hours: float = 12.0
    role_hours: float = 72.0
    service_clients: tuple[str, ...] = (PIPELINE,)


def make_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


# Making a key takes a tenth of a second, and no test changes one.
KEYS = {name: make_key() for name in ("key-1", "key-2", "stranger")}


@dataclass
class Entra:
    """`published` are the keys that it shows; `asked` are the forms sent to its token endpoint."""

    clock: ManualClock
    url: str = ""
    published: list[str] = field(default_factory=lambda: ["key-1"])
    looked_at: int = 0
    fails: bool = False
    answer: tuple[int, dict[str, Any]] | None = None  # in place of a token
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    challenges: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"{self.url}/{TENANT}/v2.0"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what a token of Ada's says; a change to None leaves the claim out."""
        now = int(self.clock.now().timestamp())
        whole = {
            "aud": APP,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "oid": ADA,
            "sub": "pairwise-ada",
            "tid": TENANT,
            "name": "Ada Lovelace",
            "roles": ["Researcher"],
            "ver": "2.0",
        } | changes
        return {name: value for name, value in whole.items() if value is not None}

    def mint(self, kid: str | None = "key-1", signed_by: str = "", **changes: Any) -> str:
        """Return an ID token, or any other with the changes."""
        key = KEYS[signed_by or kid or "key-1"]
        return jwt.encode(self.claims(**changes), key, "RS256", {"kid": kid} if kid else {})

    def access_token(self, **changes: Any) -> str:
        """Return what Teams gets for Ada."""
        api = {"aud": f"api://{HOST}/{APP}", "scp": "access_as_user", "azp": "teams"}
        return self.mint(**(api | changes))

    def service_token(self, **changes: Any) -> str:
        """Return what the pipelines' identity gets for the bot."""
        service = {
            "aud": f"api://{APP}",
            "idtyp": "app",
            "oid": "service-principal",
            "sub": "service-principal",
            "azp": PIPELINE,
            "roles": ["Pipeline"],
            "name": None,
        }
        return self.mint(**(service | changes))

    def approve(self, location: str, **changes: Any) -> str:
        """Let Ada sign in at the address; return the code. `token` replaces the whole ID token."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = secrets.token_urlsafe(8)
        self.challenges[code] = asked["code_challenge"]
        self.codes[code] = {"nonce": asked["nonce"]} | changes
        return code

    async def _metadata(self, _: web.Request) -> web.Response:
        self.looked_at += 1
        if self.fails:
            raise web.HTTPBadGateway
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
        }
        return web.json_response(said)

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [jwk(name) for name in self.published]})

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append(form)
        if self.answer is not None:
            status, body = self.answer
            return web.json_response(body, status=status)
        claims = self.codes.pop(form["code"], None)  # a code counts once
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if claims is None or challenge != self.challenges[form["code"]]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = claims.pop("token", None) or self.mint(**claims)
        return web.json_response({"id_token": token, "access_token": "opaque"})

    @asynccontextmanager
    async def served(self) -> AsyncIterator["Entra"]:
        app = web.Application()
        path = f"/{TENANT}/v2.0/.well-known/openid-configuration"
        app.add_routes([web.get(path, self._metadata), web.get("/keys", self._keys)])
        app.add_routes([web.post("/token", self._token)])
        async with TestServer(app) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield self


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[name].public_key(), as_dict=True)
    return {**public, "kid": name, "use": "sig", **changes}


class Browser:
    """One browser at the public address: keeps cookies, and says where a request comes from."""

    def __init__(self, site: Any) -> None:
        self.site, self.cookies = site, dict[str, str]()

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self._send("GET", path, {"Host": HOST, **headers})

    async def post(self, path: str, body: Any = None, **headers: str | None) -> ClientResponse:
        """Send what our own page would; a header of None is left out."""
        ours = {
            "Host": HOST,
            "Origin": PUBLIC,
            "Sec-Fetch-Site": "same-origin",
            "X-KRSP-Token": self.cookies.get(PAGE_TOKEN),
        }
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self._send("POST", path, ours | named, json={} if body is None else body)

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str | None], **options: Any
    ) -> ClientResponse:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {key: value for key, value in headers.items() if value is not None}
        answer = await self.site.client.request(
            method,
            path if path.startswith("/") else f"/api/v1/{path}",
            headers={**sent, **({"Cookie": cookie} if cookie else {})},
            allow_redirects=False,
            **options,
        )
        for said in answer.headers.getall("Set-Cookie", []):
            self._take(said)
        return answer

    def _take(self, said: str) -> None:
        for name, morsel in SimpleCookie(said).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    async def begin(self, return_to: str = "/runs") -> str:
        """Ask to sign in; return where we are sent."""
        answer = await self.get(f"/auth/sign-in?return_to={return_to}")
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]

    async def sign_in(self, entra: Entra, **changes: Any) -> ClientResponse:
        """Sign in as Ada, or with other claims; return the callback's answer."""
        location = await self.begin()
        state = dict(parse_qsl(urlsplit(location).query))["state"]
        code = entra.approve(location, **changes)
        return await self.get(f"/auth/callback?code={code}&state={state}")
