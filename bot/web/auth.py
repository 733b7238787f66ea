"""Who asks, in the local profile: a cookie with a person's id, signed with the home's secret."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from bot.domain.people import Actor, Person
from bot.errors import ForbiddenError, SetupError
from bot.web.endpoint import Web

COOKIE = "krsp_person"
LASTS = timedelta(days=30)
SECRET_BYTES = 32


def load_secret(home: Path) -> bytes:
    """Return the secret of this home; the first call makes `home/secret`, readable by us only."""
    path = home / "secret"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_hex(SECRET_BYTES).encode())
        path.chmod(0o600)
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise SetupError(
            f"The file {path}, which signs cookies, cannot be used ({error}). "
            "Delete it and start again; people then pick who they are again."
        ) from error
    if len(secret) < SECRET_BYTES:
        raise SetupError(f"The secret in {path} is too short. Delete it and start again.")
    return secret


def _write_once(path: Path, content: bytes) -> None:
    """Write a whole file that nobody else has written; whoever is second keeps the first's."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


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


async def person_of(world: Web, request: web.Request) -> Person | None:
    """Return the person that the request's cookie names, if they are still known."""
    cookie = request.cookies.get(COOKIE)
    actor = read(world.secret, cookie, world.now()) if cookie else None
    if actor is None:
        return None
    try:
        return await world.service.person(actor)
    except ForbiddenError:
        return None  # the people file no longer knows them


def remember(world: Web, response: web.Response, person: Person) -> None:
    """Let the browser say from now on who this is."""
    response.set_cookie(
        COOKIE,
        sign(world.secret, person, world.now()),
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=world.public_url.startswith("https:"),
        path="/",
    )


def forget(response: web.Response) -> None:
    """Let the browser say nothing any more."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
