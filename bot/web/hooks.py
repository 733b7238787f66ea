"""`/hooks/*`: events of Azure DevOps and Azure ML. They only wake the loop; nobody believes them.

Events are lost, doubled, late and out of order, and some changes have none; so what an event says
of a run is never stored: the reconciler looks for itself, only sooner.
"""

import base64
import binascii
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.errors import ForbiddenError, MalformedError, UnauthenticatedError
from bot.oidc import bearer_token
from bot.ports import Bell

log = logging.getLogger(__name__)

DEVOPS, AZURE_ML = "/hooks/azure-devops", "/hooks/azure-ml"
MOST_BYTES = 1 << 20  # Event Grid sends at most 1 MB at once
PREFIX = "Microsoft.MachineLearningServices."
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
# Event Grid asks how many events a minute are welcome; a wake costs us one look.
RATE = "120"
# Of the senders that Event Grid's tokens name (docs/decisions/0021).
ROLE = "AzureEventGridSecureWebhookSubscriber"

Claim = Callable[[str, datetime], Awaitable[bool]]
Verify = Callable[[str], Awaitable[Mapping[str, Any]]]  # a bearer token to its checked claims


@dataclass(frozen=True)
class Hooks:
    """What the two addresses need. `claim` notes an event's id; False when it came before."""

    bell: Bell
    claim: Claim
    now: Callable[[], datetime]
    user: str
    password: str  # empty: no service hook is let in
    verify: Verify
    workspace: str  # the workspace's ARM id, whose events count

    def routes(self) -> list[web.RouteDef]:
        """Return what the web application adds."""
        return [
            web.post(DEVOPS, self.take_devops),
            web.post(AZURE_ML, self.take_azure_ml),
            web.options(AZURE_ML, self.allow),
        ]

    async def take_devops(self, request: web.Request) -> web.Response:
        """Take one event of a service hook."""
        if not self.password or not _is_basic(request, self.user, self.password):
            raise UnauthenticatedError("The service hook's user name or password is not ours.")
        event = _object(await _json(request))
        await self._wake("azure-devops", [_text(event, "id")])
        return web.json_response({})

    async def take_azure_ml(self, request: web.Request) -> web.Response:
        """Take events of Event Grid, in either schema; answer its handshake."""
        claims = await self.verify(bearer_token(request.headers.get("Authorization", "")))
        if ROLE not in claims.get("roles", ()):
            raise ForbiddenError(f"The sender's token lacks the role {ROLE}.")
        events = _events(await _json(request))
        for event in events:
            if event.get("eventType") == VALIDATION:
                return web.json_response({"validationResponse": _validation_code(event)})
        ours = [event for event in events if self._is_ours(event)]
        await self._wake("azure-ml", [_text(event, "id") for event in ours])
        return web.json_response({})

    async def allow(self, request: web.Request) -> web.Response:
        """Answer the handshake of CloudEvents (abuse protection): whoever asks may send.

        What they send still needs a token.
        """
        origin = request.headers.get("WebHook-Request-Origin")
        if not origin:
            raise MalformedError("The header WebHook-Request-Origin is missing.")
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": RATE, "Allow": "POST"}
        return web.Response(headers=allowed)

    def _is_ours(self, event: Mapping[str, Any]) -> bool:
        kind = event.get("eventType", event.get("type"))
        source = event.get("topic", event.get("source"))
        is_known = isinstance(kind, str) and kind.startswith(PREFIX)
        return is_known and str(source).casefold() == self.workspace.casefold()

    async def _wake(self, sender: str, ids: Sequence[str]) -> None:
        """Ring once if any of the events is new."""
        fresh = [each for each in ids if await self.claim(f"hook/{sender}/{each}", self.now())]
        if fresh:
            log.info("%d events of %s", len(fresh), sender)
            self.bell.ring("wake")


def _is_basic(request: web.Request, user: str, password: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        said = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    wanted = f"{user}:{password}".encode()
    return scheme.lower() == "basic" and hmac.compare_digest(said, wanted)


async def _json(request: web.Request) -> Any:
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_BYTES, len(body))
    try:
        return json.loads(body)
    except ValueError as error:
        raise MalformedError("The event is no JSON.") from error


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError("An event must be a JSON object.")
    return value


def _events(value: Any) -> list[Mapping[str, Any]]:
    """Return the events: one (CloudEvents), or a list of them (both schemas)."""
    return [_object(each) for each in (value if isinstance(value, list) else [value])]


def _text(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        raise MalformedError(f"The event has no usable `{key}`.")
    return value


def _validation_code(event: Mapping[str, Any]) -> str:
    return _text(_object(event.get("data")), "validationCode")
