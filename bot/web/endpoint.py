"""What an endpoint is: one row of the table that registers handlers and writes OpenAPI."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel

from bot.domain.people import Person, ServiceIdentity
from bot.errors import BotError, UnauthenticatedError
from bot.ports import Bell
from bot.service import Service
from bot.service.grants import Grants
from bot.web.problems import SignInNeededError
from bot.web.schema import Nothing
from bot.web.sign_in.identity import Door, Identity
from bot.web.telemetry import Telemetry

QueryT = TypeVar("QueryT", bound=BaseModel)
BodyT = TypeVar("BodyT", bound=BaseModel)

Profile = Literal["local", "azure"]
# Who may call an endpoint: a person who is signed in, a machine with an identity of its own, or
# whoever reaches us.
Caller = Literal["person", "service", "open"]


@dataclass(frozen=True)
class Web:
    """Everything that the web layer needs; made once, by the composition root."""

    service: Service
    bell: Bell
    now: Callable[[], datetime]
    door: Door  # knows who asks
    dist: Path  # the built client
    public_url: str
    profile: Profile = "local"
    notice: str = ""  # what a person must know of this profile's safety
    heartbeat_s: float = 15.0
    telemetry: Telemetry = field(default_factory=Telemetry)
    grants: Grants | None = None  # the azure profile's; jobs on this machine need none
    served: Callable[[str], str | None] | None = None  # where a local endpoint's server listens

    @property
    def who_are_you(self) -> str:
        """What to tell somebody who is nobody yet."""
        if self.profile == "local":
            return "Nobody is signed in here: pick who you are first, at the top of the page."
        return "Nobody is signed in here: sign in first, at /auth/sign-in."

    def stranger(self) -> UnauthenticatedError:
        """Return the refusal of somebody who is nobody yet."""
        refusal = UnauthenticatedError if self.profile == "local" else SignInNeededError
        return refusal(self.who_are_you)


@dataclass(frozen=True)
class Call(Generic[QueryT, BodyT]):
    """One request, read and checked."""

    world: Web
    request: web.Request
    identity: Identity
    query: QueryT
    body: BodyT

    @property
    def person(self) -> Person | None:
        """The person who asks, where one may or must."""
        return self.identity.person

    @property
    def service_identity(self) -> ServiceIdentity | None:
        """The service that asks, where `caller="service"`."""
        return self.identity.service

    @property
    def service(self) -> Service:
        """The core's door."""
        return self.world.service

    @property
    def id(self) -> str:
        """The run's or draft's id in the path."""
        return str(next(iter(self.request.match_info.values())))

    async def still_holds(self) -> bool:
        """Return whether who asked is who they were, and still signed in; for endless answers."""
        try:
            return await self.world.door.identify(self.request) == self.identity
        except BotError:
            return False

    @property
    def somebody(self) -> Person:
        """The person who asks. Raises `UnauthenticatedError` for nobody."""
        if self.person is None:
            raise self.world.stranger()
        return self.person

    @property
    def machine(self) -> ServiceIdentity:
        """The service that asks. Raises `UnauthenticatedError` for anybody else."""
        if self.service_identity is None:
            raise UnauthenticatedError(
                "This address is for services with an identity of their own."
            )
        return self.service_identity


Result = BaseModel | Mapping[str, Any] | web.StreamResponse
Handler = Callable[[Call[Any, Any]], Awaitable[Result]]


@dataclass(frozen=True)
class Endpoint:
    """One operation. `answer` is the model of a good answer; None where it is no JSON of ours."""

    method: Literal["GET", "POST"]
    path: str
    operation_id: str  # lowerCamelCase: the client's function
    summary: str
    handler: Handler
    answer: type[BaseModel] | None = None
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    refusals: tuple[int, ...] = ()  # statuses beyond those that follow from the rest
    media: str = "application/json"
    caller: Caller = "person"
    has_etag: bool = False
    has_deep_end: bool = False  # the last part of its path may hold slashes

    def needs_person(self, profile: Profile) -> bool:
        """Return whether nobody is refused; in the local profile everybody may read."""
        return self.caller == "person" and (self.is_mutation or profile != "local")

    @property
    def is_mutation(self) -> bool:
        """Return whether it changes something."""
        return self.method == "POST"

    @property
    def route(self) -> str:
        """Return the path as aiohttp's router writes it."""
        return f"{self.path[:-1]}:.+}}" if self.has_deep_end else self.path

    @property
    def is_api(self) -> bool:
        """Return whether it belongs to the REST interface, not to operators."""
        return self.path.startswith("/api/")

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """Return the names in braces."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))
