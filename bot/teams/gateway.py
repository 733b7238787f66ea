"""`POST /api/messages`: read, verify and take activities, on the Bot Framework's adapter.

The SDK is archived, so its faults are repaired here; docs/decisions names each.
"""

import json
import logging
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import Activity, ActivityTypes
from typing_extensions import override

from bot.errors import BotError
from bot.teams import activity
from bot.teams.authentication import ChannelAuthentication, Doorkeeper
from bot.teams.sentences import sentence
from bot.teams.turns import Turns

log = logging.getLogger(__name__)

PATH = "/api/messages"
MOST_BYTES = 256 * 1024


class Gateway(CloudAdapter):
    """Answers the channel's requests. An empty `tenants` lets nobody in."""

    def __init__(self, keeper: Doorkeeper, tenants: frozenset[str], turns: Turns) -> None:
        super().__init__(ChannelAuthentication(keeper))
        self._tenants = tenants
        self._turns = turns

    def routes(self) -> list[web.RouteDef]:
        """Return what the web application adds."""
        return [web.post(PATH, self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request; a refusal is a status and a sentence, never a stack trace."""
        try:
            return await self.process(request, self._turns)
        except web.HTTPException as refusal:
            return _problem(refusal.status, "refused", refusal.text or refusal.reason)
        except BotError as refusal:
            log.info("an activity was refused: %s", refusal.code)
            return _problem(refusal.status, refusal.code, str(refusal))
        except Exception as error:  # noqa: BLE001 - the boundary: no stack trace goes out or into a log
            return _problem(500, "bug", sentence(error))

    @override
    async def process(
        self, request: web.Request, bot: Turns, ws_response: web.WebSocketResponse | None = None
    ) -> web.Response:
        raw = activity.parse(await _body(request))
        channel_id, service_url = activity.origin(raw)
        # The SDK's model loses fields (`tenantId`) and fails on unknown shapes, so it carries only
        # what the SDK itself reads; the raw activity goes beside it.
        model = Activity(
            type=raw["type"],
            name=raw.get("name"),
            channel_id=channel_id,
            service_url=service_url,
        )
        invoked = await self.process_activity(
            request.headers.get("Authorization", ""), model, partial(self._turn, bot, raw)
        )
        if invoked is None:
            return web.Response(status=HTTPStatus.OK)
        if invoked.body is None:
            return web.Response(status=int(invoked.status))
        return web.json_response(invoked.body, status=int(invoked.status))

    async def _turn(self, bot: Turns, raw: activity.Activity, context: TurnContext) -> None:
        tenant = activity.tenant(raw, self._tenants)
        answer = await bot.take(raw, tenant)
        if answer is not None:
            response = InvokeResponse(status=answer.status, body=answer.body)
            await context.send_activity(
                Activity(type=ActivityTypes.invoke_response, value=response)
            )


async def _body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send the activity as application/json.")
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            text = f"An activity may have at most {MOST_BYTES // 1024} KB."
            raise web.HTTPRequestEntityTooLarge(MOST_BYTES, len(body), text=text)
    return bytes(body)


def _problem(status: int, code: str, detail: str) -> web.Response:
    """Return the refusal as RFC 9457 says."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {"code": code, "title": title, "status": status, "detail": detail}
    return web.Response(
        status=status,
        body=json.dumps({**body, "instance": PATH}).encode(),
        content_type="application/problem+json",
    )
