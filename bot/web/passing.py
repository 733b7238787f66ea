"""Passes requests for `/endpoints/<name>/v1/...` on to the local server that has the traffic.

So an endpoint's address stays the same whichever colour serves, across switches and restarts.
"""

import time
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web

from bot.errors import NotFoundError, UnavailableError
from bot.web.endpoint import Web
from bot.web.problems import Next

# What a caller may ask for; the server's own `/load_model` and `/reset` are nobody's business.
PASSED = frozenset({"chat/completions", "completions", "responses"})
HEADERS = ("Content-Type", "Accept")
PIECE_BYTES = 16 * 1024
# A long answer of a large model on a CPU takes minutes; a server that is up takes a connection at
# once.
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=600)

Address = Callable[[str], str | None]
SESSION = web.AppKey("endpoint_session", aiohttp.ClientSession)


def add_passage(app: web.Application, world: Web, address: Address) -> None:
    """Serve the endpoints' addresses; `address` says where an endpoint's live server listens."""
    app.cleanup_ctx.append(_session)
    app.router.add_get("/endpoints/{name}/v1/models", _models(world))
    app.router.add_post("/endpoints/{name}/v1/{call:.*}", _pass(address))


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(timeout=PATIENCE, auto_decompress=False) as session:
        app[SESSION] = session
        yield


def _models(world: Web) -> Next:
    """Return the handler that lists the one model; the server itself scans a cache that is not."""

    async def models(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        endpoint = await world.service.promotions.endpoint(name)
        live = endpoint.live if endpoint else None
        if live is None:
            raise _nothing(name)
        since = int(time.time())
        entry = {"id": live.model, "object": "model", "created": since, "owned_by": live.run_id}
        return web.json_response({"object": "list", "data": [entry]})

    return models


def _pass(address: Address) -> Next:
    async def pass_on(request: web.Request) -> web.StreamResponse:
        name, call = request.match_info["name"], request.match_info["call"]
        if call not in PASSED:
            known = ", ".join(f"/v1/{each}" for each in sorted(PASSED))
            raise NotFoundError(f"An endpoint answers {known} and /v1/models, not /v1/{call}.")
        server = address(name)
        if server is None:
            raise _nothing(name)
        return await _stream(request, f"{server}/v1/{call}", name)

    return pass_on


async def _stream(request: web.Request, url: str, name: str) -> web.StreamResponse:
    """Send the request's body there and the answer back piece by piece, as it comes."""
    body = await request.read()
    headers = {key: request.headers[key] for key in HEADERS if key in request.headers}
    session = request.app[SESSION]
    try:
        async with session.post(url, data=body, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status)
            response.content_type = answer.content_type
            await response.prepare(request)
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                await response.write(piece)
            await response.write_eof()
            return response
    except aiohttp.ClientConnectorError as error:
        raise UnavailableError(
            f"The server of `{name}` does not answer just now; it is being started again. Try "
            "again in a moment."
        ) from error


def _nothing(name: str) -> NotFoundError:
    return NotFoundError(f"Nothing is served as `{name[:64]}`. The page of models says what is.")
