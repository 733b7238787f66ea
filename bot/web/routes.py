"""Puts the web layer into an aiohttp application: routes, checks, headers, numbers."""

from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.web.endpoint import Web
from bot.web.events import STREAMS, Streams
from bot.web.guard import guard, headers
from bot.web.health import runs_by_status
from bot.web.openapi import ENDPOINTS
from bot.web.passing import add_passage
from bot.web.problems import Next, problems
from bot.web.static import client_page, unknown_path
from bot.web.wire import adapt


def add_routes(app: web.Application, world: Web) -> None:
    """Serve the REST interface, the event stream and the client; call it once, before the start.

    Host, Origin and failures are looked after for every route of `app`, also others' routes.
    """
    app.middlewares.extend([_measured(world), problems, guard(world)])
    for endpoint in ENDPOINTS:
        handler = adapt(endpoint, world)
        if endpoint.is_mutation:
            app.router.add_post(endpoint.route, handler)
        else:
            has_end = endpoint.media != "text/event-stream"  # else HEAD would never be answered
            app.router.add_get(endpoint.route, handler, allow_head=has_end)
    app.add_routes(world.door.routes())
    if world.served is not None:
        add_passage(app, world, world.served)
    for ours in ("/api", "/auth", "/endpoints", "/hooks"):
        app.router.add_route("*", ours, unknown_path(app))
        app.router.add_route("*", f"{ours}/{{path:.*}}", unknown_path(app))
    app.router.add_get("/{path:.*}", client_page(world))
    streams = app[STREAMS] = Streams()
    app.on_shutdown.append(streams.end)
    world.telemetry.add(runs_by_status(world.service))
    fixed = headers(world)

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        for key, value in fixed.items():
            response.headers.setdefault(key, value)

    app.on_response_prepare.append(add_headers)


def _measured(world: Web) -> Middleware:
    @web.middleware
    async def measure(request: web.Request, handler: Next) -> web.StreamResponse:
        began = perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        method = request.method if request.method in {"GET", "HEAD", "POST"} else "other"
        world.telemetry.count(method, route, response.status)
        if response.content_type != "text/event-stream":
            world.telemetry.time(method, route, perf_counter() - began)
        return response

    return measure
