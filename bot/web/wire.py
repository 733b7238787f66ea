"""Between aiohttp and a handler: reads query and body, checks who asks, writes the answer."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import hdrs, web
from multidict import MultiMapping
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from bot.errors import (
    FieldFault,
    ForbiddenError,
    InputError,
    MalformedError,
    UnauthenticatedError,
)
from bot.web.endpoint import Call, Endpoint, Web
from bot.web.problems import MediaTypeError, TooLargeError, invalid
from bot.web.sign_in.identity import NOBODY, Identity

MAX_BODY_BYTES = 256 * 1024
MIN_COMPRESSED_BYTES = 1400  # about one packet: below, compressing saves nothing


def adapt(endpoint: Endpoint, world: Web) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of an endpoint."""

    async def handle(request: web.Request) -> web.StreamResponse:
        identity = NOBODY if endpoint.caller == "open" else await world.door.identify(request)
        if endpoint.is_mutation:
            _insist_on_json(request)
        insist_on_caller(endpoint, world, identity)
        if endpoint.is_mutation:
            world.door.insist_on_our_page(request, identity)
        query = read_query(endpoint.query, request.query)
        body = endpoint.body() if not endpoint.is_mutation else await _body(endpoint.body, request)
        result = await endpoint.handler(Call(world, request, identity, query, body))
        if isinstance(result, web.StreamResponse):
            return result
        return _with_etag(request, json_response(request, result), endpoint)

    return handle


def insist_on_caller(endpoint: Endpoint, world: Web, identity: Identity) -> None:
    """Raise unless the one who asks is of the kind that the endpoint is for."""
    if endpoint.caller == "open":
        return
    if endpoint.caller == "service" and identity.service is None:
        raise UnauthenticatedError(
            "Here a service shows a bearer token of its own, and nobody did."
        )
    if endpoint.caller == "person" and identity.service is not None:
        raise ForbiddenError("This address is for people, not for services.")
    if identity.person is None and endpoint.needs_person(world.profile):
        raise world.stranger()


def json_response(
    request: web.Request, result: BaseModel | Mapping[str, Any], status: int = 200
) -> web.Response:
    """Return the answer as JSON, compressed where that pays."""
    if isinstance(result, BaseModel):
        body = result.model_dump_json().encode()
    else:
        body = json.dumps(result).encode()
    response = web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-cache", "Vary": "Accept-Encoding, Cookie"},
    )
    if len(body) >= MIN_COMPRESSED_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def _with_etag(request: web.Request, response: web.Response, endpoint: Endpoint) -> web.Response:
    if not endpoint.has_etag or not isinstance(response.body, bytes):
        return response
    value = hashlib.blake2b(response.body, digest_size=12).hexdigest()
    response.headers[hdrs.ETAG] = f'W/"{value}"'
    known = request.if_none_match or ()
    if any(etag.value in {value, "*"} for etag in known):
        kept = (hdrs.ETAG, hdrs.CACHE_CONTROL, hdrs.VARY)
        return web.Response(status=304, headers={key: response.headers[key] for key in kept})
    return response


def _insist_on_json(request: web.Request) -> None:
    if request.content_type != "application/json":
        given = request.headers.get("Content-Type", "nothing")
        raise MediaTypeError(f"Send JSON with `Content-Type: application/json`, not {given!r}.")


def read_query(model: type[BaseModel], given: MultiMapping[str]) -> BaseModel:
    """Return the checked query; a list may be repeated (`a=1&a=2`) or separated by commas."""
    values: dict[str, str | list[str]] = {}
    faults = []
    for key in dict.fromkeys(given):
        several = given.getall(key)
        field = model.model_fields.get(key)
        if field is not None and getattr(field.annotation, "__origin__", None) is list:
            values[key] = [part for text in several for part in text.split(",")]
        elif len(several) > 1:
            faults.append(FieldFault(key, "given more than once"))
        elif "\0" in several[0]:
            faults.append(FieldFault(key, "holds a NUL character"))
        else:
            values[key] = several[0]
    if faults:
        raise InputError(f"The query cannot be used: {faults[0].loc}: {faults[0].msg}.", (*faults,))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error, "query") from error


async def _body(model: type[BaseModel], request: web.Request) -> BaseModel:
    raw = await _read(request)
    if not raw.strip():
        raise MalformedError("The body is empty; send at least `{}`.")
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedError(f"The body is no JSON: {error}.") from error
    if _holds_nul(value):
        raise MalformedError("The body holds a NUL character; no text here may.")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error, "body") from error


async def _read(request: web.Request) -> bytes:
    raw = bytearray()
    async for piece in request.content.iter_any():
        raw += piece
        if len(raw) > MAX_BODY_BYTES:
            raise TooLargeError(f"The body is larger than {MAX_BODY_BYTES // 1024} KB; send less.")
    return bytes(raw)


def _holds_nul(value: object) -> bool:
    """Return whether any text in the JSON value holds NUL, which files and databases refuse."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_holds_nul(part) for part in value)
