"""Every failure as RFC 9457 problem+json, and what goes wrong before a handler is reached."""

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from uuid import uuid4

from aiohttp import web
from pydantic import ValidationError

from bot.errors import (
    BotError,
    FieldFault,
    InputError,
    MalformedError,
    NotFoundError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)
from bot.web.schema import FieldProblem, Problem

log = logging.getLogger(__name__)

MEDIA = "application/problem+json"
RETRY_AFTER_S = 5
LEFT = 499  # nginx's number for "the other side closed before the answer"; seen in /metrics only
# Ours, as Python's phrases differ between its versions and the client's types follow them.
TITLES = {
    400: "Malformed",
    401: "Nobody signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Wrong media type",
    421: "Wrong host",
    422: "Invalid",
    500: "Internal error",
    502: "Not delivered",
    503: "Unavailable",
    507: "Disk full",
}
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MisdirectedError(BotError):
    """The request was meant for another host, or a page of another origin sent it."""

    code, status, is_bug = "misdirected", 421, False


class OriginError(BotError):
    """A page of another origin sent the request."""

    code, status, is_bug = "foreign_origin", 403, False


class ForeignPageError(OriginError):
    """Our cookie came along with a request that another site's page may have sent."""

    code = "foreign_page"


class SignInNeededError(UnauthenticatedError):
    """Nobody is signed in, and there is a page where one can."""

    code = "sign_in_needed"


class MediaTypeError(BotError):
    """The body is not JSON."""

    code, status, is_bug = "unsupported_media_type", 415, False


class TooLargeError(BotError):
    """The body is larger than anything we would use."""

    code, status, is_bug = "too_large", 413, False


class MethodError(BotError):
    """The path exists, the method does not."""

    code, status, is_bug = "method_not_allowed", 405, False

    def __init__(self, method: str, allowed: frozenset[str]) -> None:
        self.allowed = ", ".join(sorted(allowed))
        super().__init__(f"This address does not take {method}; it takes {self.allowed}.")


def faults_from(error: ValidationError) -> tuple[FieldFault, ...]:
    """Return what pydantic found, each with its dotted place."""
    return tuple(
        FieldFault(".".join(str(part) for part in e["loc"]), _sentence(e["msg"]))
        for e in error.errors(include_url=False, include_input=False, include_context=False)
    )


def invalid(error: ValidationError, what: str) -> InputError:
    """Return the refusal of a body or a query with every fault at once."""
    faults = faults_from(error)
    first = f"{faults[0].loc}: {faults[0].msg}" if faults[0].loc else faults[0].msg
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return InputError(f"The {what} cannot be used: {first}{more}.", faults)


def _sentence(msg: str) -> str:
    return msg.removeprefix("Value error, ")


@web.middleware
async def problems(request: web.Request, handler: Next) -> web.StreamResponse:
    """Answer whatever was raised; what is a bug is logged here, once, and told by its id only."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise  # a redirect
        return _of_aiohttp(request, error)
    except BotError as error:
        return _expected(request, error)
    except web.PayloadAccessError as error:
        return _expected(request, MalformedError(f"The body cannot be read: {error}."))
    except ConnectionError as error:
        return web.Response(status=LEFT) if _has_left(request) else _bug(request, error)
    except Exception as error:  # noqa: BLE001 - the boundary: no trace may reach the person
        return _bug(request, error)


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return _expected(request, MethodError(error.method, frozenset(error.allowed_methods)))
    if isinstance(error, web.HTTPNotFound):
        return _expected(request, NotFoundError(f"There is nothing at {request.path}."))
    code = HTTPStatus(error.status).phrase.lower().replace(" ", "_")
    return respond(request, status=error.status, code=code, detail=f"{error.reason}.")


def _expected(request: web.Request, error: BotError) -> web.Response:
    faults = error.faults if isinstance(error, InputError) else ()
    if error.is_bug or request.writer.output_size > 0:
        return _bug(request, error)
    answer = respond(
        request, status=error.status, code=error.code, detail=str(error), faults=faults
    )
    if isinstance(error, MethodError):
        answer.headers["Allow"] = error.allowed
    if isinstance(error, SignInNeededError):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, ThrottledError):
        answer.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    elif isinstance(error, UnavailableError):
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s cannot be answered: %s", request.method, request.path, error)
    return answer


def _bug(request: web.Request, error: Exception) -> web.Response:
    """Answer for a bug; where part of an answer is out already, cut it off for all to see."""
    incident = uuid4().hex[:10]
    log.error("incident %s: %s %s failed", incident, request.method, request.path, exc_info=error)
    if request.writer.output_size > 0 and request.transport is not None:
        request.transport.abort()
    detail = f"Something failed here that should not. Quote {incident} when you report it."
    return respond(request, status=500, code="internal", detail=detail, incident=incident)


def respond(  # noqa: PLR0913 - the parts of RFC 9457, all by name
    request: web.Request,
    *,
    status: int,
    code: str,
    detail: str,
    faults: tuple[FieldFault, ...] = (),
    incident: str = "",
) -> web.Response:
    """Return a problem; `instance` is the path, for a bug with the incident's id."""
    problem = Problem(
        code=code,
        title=TITLES.get(status) or HTTPStatus(status).phrase,
        status=status,
        detail=_text(detail),
        instance=_text(request.path) + (f"#{incident}" if incident else ""),
        errors=[FieldProblem(loc=_text(fault.loc), msg=_text(fault.msg)) for fault in faults],
    )
    return web.Response(
        status=status,
        body=json.dumps(problem.model_dump(), ensure_ascii=True).encode(),
        content_type=MEDIA,
        headers={"Cache-Control": "no-store"},
    )


def _text(said: str) -> str:
    """Return the text without what UTF-8 cannot carry (raw bytes of an address or a header)."""
    return said.encode("utf-8", "replace").decode()
