"""The api version of a request: where it stands, and which ones are refused, in Azure's words."""

import re

from aiohttp import web

from tests.azure_twin.devops.answers import VSS, RefusalError
from tests.azure_twin.devops.locations import Location

_VERSION = re.compile(r"(\d+\.\d+)(-preview(?:\.(\d+))?)?", re.IGNORECASE)
_WEB_API = f"{VSS}.WebApi"


def check_version(request: web.Request, location: Location) -> str:
    """Return the version that the request asks for; raises RefusalError."""
    asked = _asked(request)
    if not asked:
        if request.method == "GET":
            return location.released
        raise RefusalError(
            400,
            f"{_WEB_API}.VssVersionNotSpecifiedException",
            f'No api-version was supplied for the "{request.method}" request. The version must be '
            "supplied either as part of the Accept header (e.g. "
            '"application/json; api-version=1.0") or as a query parameter (e.g. '
            '"?api-version=1.0").',
        )
    match = _VERSION.fullmatch(asked)
    if match is None:
        raise RefusalError(
            400,
            f"{_WEB_API}.VssInvalidApiVersionException",
            f'The supplied value "{asked}" is not a valid api-version.',
        )
    _check_range(match, location)
    return asked


def _asked(request: web.Request) -> str:
    for part in request.headers.get("Accept", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name.strip().lower() == "api-version":
            return value.strip()
    return next((v for k, v in request.query.items() if k.lower() == "api-version"), "")


def _check_range(match: re.Match[str], location: Location) -> None:
    number, is_preview = float(match[1]), match[2] is not None
    if number > float(location.newest) or number < float(location.oldest):
        raise RefusalError(
            400,
            f"{_WEB_API}.VssVersionOutOfRangeException",
            f"The requested REST API version of {match[1]} is out of range for this server. The "
            f"latest REST API version this server supports is {location.newest}.",
        )
    if not is_preview and number > float(location.released):
        raise RefusalError(
            400,
            f"{_WEB_API}.VssInvalidPreviewVersionException",
            f'The requested version "{match[1]}" of the resource is under preview. The -preview '
            "flag must be supplied in the api-version for such requests. For example: "
            f'"{match[1]}-preview"',
        )
    if match[3] and int(match[3]) > location.version:
        raise RefusalError(
            400,
            f"{_WEB_API}.VssVersionOutOfRangeException",
            f'The requested version "{match[0]}" of the resource is not supported. The latest '
            f"version of the resource is {location.version}.",
        )
