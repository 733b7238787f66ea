"""One request, taken apart: which resource, which values, who asks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.azure_twin.devops.answers import RefusalError
from tests.azure_twin.devops.locations import Location
from tests.azure_twin.devops.people import Member


@dataclass(frozen=True)
class Call:
    """A request whose location, version and caller are known to be good."""

    request: web.Request
    location: Location
    values: Mapping[str, str]
    member: Member
    body: Any = None

    def query(self, name: str, default: str = "") -> str:
        """Return a value of the query; names ignore case, as ASP.NET does."""
        found = (v for k, v in self.request.query.items() if k.lower() == name.lower())
        return next(found, default)

    def number(self, name: str, default: int) -> int:
        text = self.query(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError as error:
            raise bad_request(f"The value '{text}' is not valid for {name}.") from error

    def listed(self, name: str) -> list[str]:
        return [each for each in self.query(name).split(",") if each]

    def id(self, name: str) -> int:
        return int(self.values[name])

    def mapping(self) -> dict[str, Any]:
        """Return the body, which must be an object."""
        if not isinstance(self.body, dict):
            raise bad_request("Value cannot be null.\r\nParameter name: body")
        return self.body


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
# By location and method; a method in which a location is not served is answered 405.
Handlers = Mapping[tuple[Location, str], Handler]


def bad_request(message: str) -> RefusalError:
    return RefusalError(
        400, "Microsoft.VisualStudio.Services.Common.VssPropertyValidationException", message
    )
