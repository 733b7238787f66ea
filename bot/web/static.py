"""The built client: hashed files for ever, its page always anew and the same for every route."""

from pathlib import Path

from aiohttp import hdrs, web

from bot.errors import NotFoundError
from bot.web.endpoint import Web
from bot.web.problems import MethodError, Next

IMMUTABLE = "public, max-age=31536000, immutable"
CLIENT_PATH = "/{path}"  # how aiohttp writes the route of `client_page`
UNBUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The page is not built yet</title></head>
<body><h1>The page is not built yet</h1>
<p>The service runs; only its page is missing from <code>client/dist</code>.
Build it with <code>make client</code> in the repository's root and load this again.</p>
</body></html>
"""


def client_page(world: Web) -> Next:
    """Return the handler of every path that is not ours: a file of the client, or its page."""
    dist = world.dist.resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info["path"]
        file = _file(dist, name)
        if file is not None and file.name != "index.html":
            is_hashed = file.is_relative_to(dist / "assets")
            return _answer(file, IMMUTABLE if is_hashed else "no-cache")
        if name.startswith("assets/"):
            raise NotFoundError(f"There is no file {request.path}; load the page again.")
        index = _file(dist, "index.html")
        if index is None:
            return web.Response(text=UNBUILT, content_type="text/html", status=503)
        return _answer(index, "no-cache")

    return serve


def unknown_path(app: web.Application) -> Next:
    """Return the handler of our own paths that take no such method, or do not exist at all."""

    async def refuse(request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource in app.router.resources():
            if resource.canonical != CLIENT_PATH:
                _, methods = await resource.resolve(request)
                allowed |= methods - {hdrs.METH_ANY}
        if allowed:
            raise MethodError(request.method, frozenset(allowed))
        raise NotFoundError(f"There is nothing at {request.path}. See /api/v1/openapi.json.")

    return refuse


def _file(dist: Path, name: str) -> Path | None:
    """Return the file below `dist`, links resolved; None for anything else."""
    try:
        path = (dist / name).resolve()
        return path if path.is_relative_to(dist) and path.is_file() else None
    except (OSError, ValueError):  # a name too long, or with NUL
        return None


def _answer(file: Path, caching: str) -> web.FileResponse:
    """Return the file; aiohttp picks `.br` or `.gz` beside it by Accept-Encoding."""
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
    return web.FileResponse(file, headers=headers)
