"""A small Teams: people speak in conversations, cards come, buttons are pressed, all signed.

What goes to the bot carries a token as the Bot Framework's channel signs it (minted by the twin);
what comes from the bot must carry one for the connector.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import ClientSession, ClientTimeout, web

from tests.azure_twin.client import TwinControl
from tests.azure_twin.entra.directory import PEOPLE
from tests.azure_twin.world import TENANT

CONNECTOR = "https://api.botframework.com"
BOT = "28:krsp"
CHANNEL = "19:training@thread.tacv2;messageid=1700000000000"
RUN_ID = re.compile(r"run-\d{8}-[a-z2-7]{6}")
IDS = {name.split()[0].lower(): (oid, name) for oid, name, _, _ in PEOPLE}


@dataclass
class Shown:
    """A message as the conversation shows it now; `edits` counts how often it changed."""

    conversation: str
    id: str
    body: dict[str, Any]
    edits: int = 0

    @property
    def card(self) -> dict[str, Any]:
        """Return the Adaptive Card, or nothing."""
        found = [part["content"] for part in self.body.get("attachments", [])]
        return found[0] if found else {}

    @property
    def text(self) -> str:
        """Return what a person reads."""
        return "\n".join(_texts(self.card)).replace("\u00a0", " ")

    @property
    def run_id(self) -> str | None:
        found = RUN_ID.search(json.dumps(self.body))
        return found.group() if found else None

    def button(self, title: str) -> dict[str, Any]:
        """Return the button with this title."""
        for action in _actions(self.card):
            if action.get("title") == title:
                return action
        titles = [action.get("title") for action in _actions(self.card)]
        raise AssertionError(f"No button {title!r} among {titles} on:\n{self.text}")


@dataclass
class Teams:
    """The service that the bot's conversations live in; `start` it, `close` it."""

    bot_url: str
    twin: TwinControl
    shown: list[Shown] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # what came without the bot's token
    url: str = ""
    on_change: Callable[[Shown], None] | None = None
    _runner: web.AppRunner | None = None
    _session: ClientSession | None = None
    _token: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        app = web.Application()
        path = "/v3/conversations/{conversation}/activities"
        app.add_routes([web.post(path, self._post), web.put(path + "/{id}", self._put)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/"
        self._session = ClientSession(timeout=ClientTimeout(total=60), trust_env=False)
        self._token = await asyncio.to_thread(
            self.twin.call, "botframework.token", service_url=self.url
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def say(self, person: str, text: str, conversation: str = CHANNEL) -> None:
        """Let a person (`alex`, `megan`, `nestor`) write to the bot."""
        await self._send(self._activity(person, conversation, type="message", text=text))

    async def press(self, person: str, message: Shown, title: str, **inputs: str) -> str:
        """Press a button of a card; return the sentence that comes back, if any."""
        action = message.button(title)
        data = {**action.get("data", {}), **inputs}
        value = {"action": {"type": "Action.Execute", "verb": action["verb"], "data": data}}
        activity = self._activity(
            person,
            message.conversation,
            type="invoke",
            name="adaptiveCard/action",
            value={**value, "trigger": "manual"},
            replyToId=message.id,
        )
        answer = await self._send(activity)
        if answer.get("type") == "application/vnd.microsoft.card.adaptive":
            self._change(message, {"attachments": [{"content": answer["value"]}]})
            return ""
        value = answer.get("value")
        return str(value.get("message") if isinstance(value, dict) else value or "")

    async def until(
        self, holds: Callable[[Shown], bool], what: str, patience_s: float = 60
    ) -> Shown:
        """Return the newest message for which something holds, waiting for it."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            self._changed.clear()
            for message in reversed(self.shown):
                if holds(message):
                    return message
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                seen = "\n---\n".join(message.text for message in self.shown[-4:])
                raise AssertionError(f"Waited {patience_s:g} s in vain for {what}. Shown:\n{seen}")
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                continue

    async def card(self, *words: str, patience_s: float = 60) -> Shown:
        """Return the newest message that has all these words on it."""
        return await self.until(
            lambda message: all(word in message.text for word in words), repr(words), patience_s
        )

    def of_run(self, run_id: str) -> list[Shown]:
        """Return the messages about a run, oldest first."""
        return [message for message in self.shown if run_id in json.dumps(message.body)]

    def _activity(self, person: str, conversation: str, **rest: Any) -> dict[str, Any]:
        oid, name = IDS[person]
        kind = "channel" if "@thread.tacv2" in conversation else "personal"
        return {
            "id": uuid.uuid4().hex,
            "channelId": "msteams",
            "serviceUrl": self.url,
            "from": {"id": f"29:{oid}", "name": name, "aadObjectId": oid},
            "recipient": {"id": BOT, "name": "KRSP"},
            "conversation": {"id": conversation, "conversationType": kind, "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
            **rest,
        }

    async def _send(self, activity: dict[str, Any]) -> dict[str, Any]:
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"{self.bot_url}/api/messages"
        async with self._session.post(url, json=activity, headers=headers) as answer:
            body = await answer.text()
            assert answer.status == 200, f"{answer.status}: {body}"
            found: dict[str, Any] = json.loads(body) if body else {}
            return found

    async def _post(self, request: web.Request) -> web.Response:
        if not self._is_the_bots(request):
            return web.json_response({"error": {"code": "Unauthorized"}}, status=401)
        body = await request.json()
        message = Shown(request.match_info["conversation"], uuid.uuid4().hex[:12], body)
        self.shown.append(message)
        self._tell(message)
        return web.json_response({"id": message.id}, status=201)

    async def _put(self, request: web.Request) -> web.Response:
        if not self._is_the_bots(request):
            return web.json_response({"error": {"code": "Unauthorized"}}, status=401)
        known = {message.id: message for message in self.shown}
        message = known.get(request.match_info["id"])
        if message is None:
            return web.json_response({"error": {"code": "ActivityNotFound"}}, status=404)
        self._change(message, await request.json())
        return web.json_response({"id": message.id})

    def _change(self, message: Shown, body: dict[str, Any]) -> None:
        message.body = body
        message.edits += 1
        self._tell(message)

    def _tell(self, message: Shown) -> None:
        self._changed.set()
        if self.on_change is not None:
            self.on_change(message)

    def _is_the_bots(self, request: web.Request) -> bool:
        """Return whether the request carries a token for the connector; signatures are Entra's."""
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            claims = {}
        if claims.get("aud") == CONNECTOR:
            return True
        self.refused.append(request.path)
        return False


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "RichTextBlock":
            yield "".join(run["text"] for run in node["inlines"])
            return
        yield from (node[key] for key in ("text", "title", "label") if key in node)
        node = [v for key, v in node.items() if key not in ("fallback", "actions", "selectAction")]
    if isinstance(node, list):
        for item in node:
            yield from _texts(item)


def _actions(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _actions(item)
    elif isinstance(node, dict):
        if str(node.get("type", "")).startswith("Action."):
            yield node
        for key, value in node.items():
            if key != "fallback":
                yield from _actions(value)
