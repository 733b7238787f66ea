"""A table of routes: method, path template, handler; paths compare ignoring case, as ARM does."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

# Handlers get the request and the values of the template, unchanged in case.
RouteHandler = Callable[..., Awaitable[web.StreamResponse]]


@dataclass
class Routes:
    _routes: list[tuple[str, re.Pattern[str], RouteHandler]] = field(default_factory=list)

    def add(self, method: str, template: str, handler: RouteHandler) -> None:
        """Add a route; `{name}` is one segment, `{name+}` the rest of the path."""
        parts = re.split(r"(\{\w+\+?\})", template)
        pattern = "".join(_pattern(part) for part in parts)
        self._routes.append((method, re.compile(pattern + "/?", re.IGNORECASE), handler))

    def find(self, method: str, path: str) -> tuple[RouteHandler, dict[str, str]] | None:
        """Return the first handler whose template is `path`, with its values."""
        for verb, pattern, handler in self._routes:
            found = pattern.fullmatch(path) if verb == method else None
            if found is not None:
                return handler, found.groupdict()
        return None


def _pattern(part: str) -> str:
    if part.endswith("+}"):
        return f"(?P<{part[1:-2]}>.+)"
    if part.startswith("{"):
        return f"(?P<{part[1:-1]}>[^/]+)"
    return re.escape(part)
