"""Who asks, and where they are heard."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is to the group; the policy file says what each role may."""

    RESEARCHER = "researcher"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True)
class Person:
    """Somebody known by directory object id and tenant, never by a display name."""

    id: str
    tenant: str
    name: str
    role: Role

    def is_same(self, other: "Person") -> bool:
        """Return whether both are one account."""
        return (self.id, self.tenant) == (other.id, other.tenant)


@dataclass(frozen=True)
class Actor:
    """Who speaks, as the channel vouches for it; the core looks up what they may do."""

    id: str  # aadObjectId
    tenant: str
    name: str


@dataclass(frozen=True)
class ServiceIdentity:
    """A machine that calls us, for example a pipeline, as its own identity and for no person."""

    client_id: str  # of its managed identity or application
    id: str  # object id of its service principal
    tenant: str


class ThreadKind(StrEnum):
    """What kind of conversation a thread is."""

    PERSONAL = "personal"
    GROUP = "group"
    CHANNEL = "channel"
    CONSOLE = "console"


@dataclass(frozen=True)
class Thread:
    """A conversation to speak in; a channel's thread has `;messageid=<root>` in its id."""

    id: str
    service_url: str
    kind: ThreadKind
    tenant: str
    bot_id: str
