"""Refuses requests for other hosts and from other origins; adds the headers that browsers heed."""

from aiohttp import web
from aiohttp.typedefs import Middleware
from yarl import URL

from bot.errors import MalformedError
from bot.web.endpoint import Web
from bot.web.problems import MisdirectedError, Next, OriginError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS = {"http": 80, "https": 443}
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/tab-requirements
TEAMS = (
    "https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft "
    "https://*.microsoft365.com https://*.office.com https://outlook.office.com "
    "https://outlook.office365.com"
)
# Fluent's style engine writes <style> elements; scripts come from our files only.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors {ancestors}"
)


def guard(world: Web) -> Middleware:
    """Return the middleware that checks Host and Origin before anything else happens.

    Host, because a foreign name that resolves to 127.0.0.1 makes a browser think that its page
    and we are one origin (DNS rebinding). Origin, because a cookie's SameSite ignores the port.
    """
    public = URL(world.public_url)

    @web.middleware
    async def check(request: web.Request, handler: Next) -> web.StreamResponse:
        if not _is_text(request.path):
            raise MalformedError("The address holds characters that no text may hold.")
        if world.profile == "azure" and request.path in PROBES:
            return await handler(request)  # the platform asks by the container's address
        given = request.headers.get("Host", "")
        host = _host(given)
        if not (_is_public(host, public) or (world.profile == "local" and _is_loopback(host))):
            raise MisdirectedError(
                f"The host {given!r} is not served here. Open {world.public_url} instead."
            )
        origin = request.headers.get("Origin")
        if origin is not None and origin not in _ours(world, public, given):
            raise OriginError(
                f"A page of {origin!r} may not use this service. Open {world.public_url} instead."
            )
        return await handler(request)

    return check


def _is_text(path: str) -> bool:
    """Return whether the path is Unicode without NUL: nothing else fits a database or a file."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in path


def _host(header: str) -> URL | None:
    try:
        host = URL(f"http://{header}")
    except ValueError:
        return None
    return host if host.raw_path in {"", "/"} and host.user is None else None


def _is_loopback(host: URL | None) -> bool:
    return host is not None and host.host in LOOPBACK


def _is_public(host: URL | None, public: URL) -> bool:
    return host is not None and (host.host, host.explicit_port or _PORTS[public.scheme]) == (
        public.host,
        public.port,
    )


def _ours(world: Web, public: URL, host: str) -> set[str]:
    """Return the origins of our own pages; `host` was checked before."""
    origin = str(public.origin())
    return {origin, f"http://{host}"} if world.profile == "local" else {origin}


def headers(world: Web) -> dict[str, str]:
    """Return the headers of every answer; Teams may frame the page in the azure profile only."""
    ancestors = f"'self' {TEAMS}" if world.profile == "azure" else "'none'"
    return {
        "Content-Security-Policy": POLICY.format(ancestors=ancestors),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
