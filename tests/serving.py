"""A web server of a test's own on loopback."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving(
    *routes: web.AbstractRouteDef, port: int = 0, middlewares: Sequence[Any] = ()
) -> AsyncIterator[str]:
    """Serve `routes` until the context ends; yield the address, without a slash at its end."""
    app = web.Application(middlewares=middlewares)
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
