"""The conversation as the bot sees it: activities go out, and a connector takes what comes back."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import ValidationError

from bot.domain.people import Person
from bot.domain.posts import POST, Post
from bot.errors import InputError, UnavailableError
from bot.teams.activity import CONSOLE
from bot.teams.answers import MESSAGE

_BOT_ID = "28:krsp"
_ANSWER_S = 30.0  # the bot answers in well under a second


@dataclass(frozen=True)
class Heard:
    """A message or an edit: readable text, values, and the card that a client would draw."""

    activity_id: str
    text: str
    post: Post
    card: Mapping[str, Any]
    is_edit: bool


class Room:
    """One person's conversation; its id stays the same, so that the bot knows it again."""

    def __init__(self, person: Person, bot_url: str, http: aiohttp.ClientSession) -> None:
        self._person = person
        self._bot_url = bot_url.rstrip("/")
        self._http = http
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._service_url = ""

    async def say(self, text: str) -> None:
        """Send a typed message."""
        await self._post({"type": "message", "text": text, "textFormat": "plain"})

    async def press(self, heard: Heard, data: Mapping[str, Any]) -> str:
        """Press a button of a card, as clients do for Action.Execute.

        Return what the bot says to the one who clicked: "" where the card changes and says it.
        Raises `InputError` for a refusal.
        """
        action = {"type": "Action.Execute", "verb": data.get("action", ""), "data": dict(data)}
        invoke = {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "replyToId": heard.activity_id,
            "value": {"action": action, "trigger": "manual"},
        }
        answer = await self._post(invoke)
        value = answer.get("value")
        if int(answer.get("statusCode", 200)) >= 400:
            said = value.get("message") if isinstance(value, dict) else value
            raise InputError(str(said or "The bot refused the click."))
        return str(value) if answer.get("type") == MESSAGE else ""

    async def listen(self, timeout_s: float | None) -> Heard:
        """Return what the bot says next; raise `TimeoutError` when it says nothing."""
        async with asyncio.timeout(timeout_s):
            return await self._heard.get()

    async def _post(self, activity: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self._bot_url}/api/messages"
        try:
            async with self._http.post(url, json=self._whole(activity)) as response:
                body = await response.read()
                answer = await response.json(content_type=None) if body else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnavailableError(
                f"The bot does not answer at {self._bot_url}. Start it with `python -m bot serve`, "
                "or everything at once with `make demo`."
            ) from error
        if not isinstance(answer, dict):
            answer = {}
        if response.status >= 400:
            raise InputError(str(answer.get("detail", f"The bot answered HTTP {response.status}.")))
        return answer

    def _whole(self, activity: Mapping[str, Any]) -> dict[str, Any]:
        person = self._person
        return {
            "id": uuid.uuid4().hex,
            "timestamp": datetime.now(UTC).isoformat(),
            "channelId": CONSOLE,
            "serviceUrl": self._service_url,
            "from": {"id": f"29:{person.id}", "aadObjectId": person.id, "name": person.name},
            "recipient": {"id": _BOT_ID, "name": "KRSP"},
            "conversation": {
                "id": f"console:{person.id}",
                "conversationType": "personal",
                "tenantId": person.tenant,
            },
            "channelData": {"tenant": {"id": person.tenant}},
            **activity,
        }

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Room"]:
        """Listen on a free loopback port for as long as the context lasts."""
        app = web.Application(client_max_size=1024 * 1024)
        place = "/v3/conversations/{conversation}/activities"
        app.add_routes(
            [
                web.post(place, self._take_message),
                web.post(f"{place}/{{activity}}", self._take_message),
                web.put(f"{place}/{{activity}}", self._take_edit),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self._service_url = f"http://{host}:{port}/"
            yield self
        finally:
            await runner.cleanup()

    async def _take_message(self, request: web.Request) -> web.Response:
        name = uuid.uuid4().hex
        await self._take(request, name, is_edit=False)
        return web.json_response({"id": name}, status=201)

    async def _take_edit(self, request: web.Request) -> web.Response:
        name = request.match_info["activity"]
        await self._take(request, name, is_edit=True)
        return web.json_response({"id": name})

    async def _take(self, request: web.Request, name: str, *, is_edit: bool) -> None:
        try:
            body = await request.json()
            post = POST.validate_python(body["channelData"]["post"])
            card = body["attachments"][0]["content"]
            heard = Heard(name, str(body["text"]), post, card, is_edit)
        except (ValueError, KeyError, IndexError, TypeError, ValidationError) as error:
            raise web.HTTPBadRequest(text="no message of the bot") from error
        self._heard.put_nowait(heard)


def session() -> aiohttp.ClientSession:
    """Return the session to reach the bot with; for loopback no proxy is asked."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S), trust_env=False)


def button(card: Mapping[str, Any], action: str) -> Mapping[str, Any] | None:
    """Return the data of the card's button for an action, wherever in the card it stands."""
    if card.get("type") in {"Action.Execute", "Action.Submit"}:
        data = card.get("data")
        if isinstance(data, Mapping) and data.get("action") == action:
            return data
    for value in card.values():
        for part in value if isinstance(value, list) else [value]:
            found = button(part, action) if isinstance(part, Mapping) else None
            if found is not None:
                return found
    return None
