"""Faults that a test orders: which request goes wrong, how, and how often."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Kind = Literal[
    "status",  # an error answer, without effect
    "timeout_before",  # no effect; the connection is held for `seconds` and then cut
    "timeout_after",  # the effect happens; the answer is held back for `seconds` and then cut
    "cut_before",  # connection reset, without effect
    "cut_after",  # connection reset, after the effect
    "html_sign_in",  # 203 and a page, as Azure DevOps answers a bad token
    "expired_token",  # 401, as if the token had expired on the way
    "slow",  # the right answer, `seconds` late
]
SIGN_IN_PAGE = (
    "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head>"
    "<body>Sign in to your account</body></html>"
)
BODIES = {
    429: ("TooManyRequests", "The request is being throttled. Retry later."),
    500: ("InternalServerError", "An internal server error occurred."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """One ordered fault; the expressions are searched in host and in path with query."""

    kind: Kind = "status"
    host: str = ""
    method: str = ""
    path: str = ""
    times: int = 1
    after: int = 0  # so many matching requests pass first
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 1.0
    hits: int = 0

    def matches(self, request: web.Request, host: str) -> bool:
        return (
            self.times > 0
            and (not self.method or self.method == request.method)
            and re.search(self.host, host, re.IGNORECASE) is not None
            and re.search(self.path, request.path_qs, re.IGNORECASE) is not None
        )


@dataclass
class Faults:
    ordered: list[Fault] = field(default_factory=list)

    def order(self, **values: Any) -> Fault:
        fault = Fault(**values)
        self.ordered.append(fault)
        return fault

    def clear(self) -> None:
        self.ordered.clear()

    def due(self, request: web.Request, host: str) -> Fault | None:
        """Return the fault for this request, and count it."""
        for fault in self.ordered:
            if not fault.matches(request, host):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            fault.hits += 1
            return fault
        return None


async def play(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer `request` as the fault wants it."""
    request["fault"] = fault.kind
    if fault.kind in {"status", "html_sign_in", "expired_token"}:
        return error_answer(fault)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return await handler(request)
    if fault.kind in {"timeout_after", "cut_after"}:
        answer = await handler(request)
        request["effect"] = answer.status
    if fault.kind in {"timeout_before", "timeout_after"}:
        await asyncio.sleep(fault.seconds)
    return cut(request)


def cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


def error_answer(fault: Fault) -> web.Response:
    if fault.kind == "html_sign_in":
        return web.Response(status=203, text=SIGN_IN_PAGE, content_type="text/html")
    if fault.kind == "expired_token":
        challenge = 'Bearer authorization_uri="https://login.microsoftonline.com/", '
        challenge += 'error="invalid_token", error_description="The access token has expired."'
        body = {"error": {"code": "ExpiredAuthenticationToken", "message": "The token expired."}}
        return web.json_response(body, status=401, headers={"WWW-Authenticate": challenge})
    code, message = BODIES.get(fault.status, ("Error", "An error occurred."))
    body = {"error": {"code": code, "message": message}} if fault.body is None else fault.body
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else "application/json"
    return web.Response(
        status=fault.status, headers=dict(fault.headers), text=text, content_type=kind
    )
