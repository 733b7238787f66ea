"""Teams' edge: signs what the Agents Playground says, as the channel service does on the way."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, ClientTimeout, web

from tests.azure_twin.client import TwinControl
from tests.serving import serving

PATH = "/api/messages"


@asynccontextmanager
async def served_edge(bot_url: str, twin: TwinControl, port: int = 0) -> AsyncIterator[str]:
    """Serve the edge on loopback; yield its address, which stands for the bot's."""
    tokens: dict[str, str] = {}

    async def pass_on(request: web.Request) -> web.Response:
        body = await request.read()
        service = json.loads(body).get("serviceUrl", "")
        if service not in tokens:
            tokens[service] = await asyncio.to_thread(
                twin.call, "botframework.token", service_url=service
            )
        headers = {
            "Authorization": f"Bearer {tokens[service]}",
            "Content-Type": request.headers.get("Content-Type", "application/json"),
        }
        async with session.post(bot_url + PATH, data=body, headers=headers) as answer:
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
            )

    async with (
        ClientSession(timeout=ClientTimeout(total=60)) as session,
        serving(web.post(PATH, pass_on), port=port) as url,
    ):
        yield url
