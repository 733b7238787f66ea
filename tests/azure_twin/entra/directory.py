"""The tenant's applications, managed identities and people, and what each may do."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from tests.azure_twin import world

# Who signs the tokens of the tenant's own managed identities.
ISSUER = f"https://login.microsoftonline.com/{world.TENANT}/v2.0"


def object_id(client_id: str) -> str:
    """Return the id of an application's service principal: stable, and not the client id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"service-principal:{client_id}"))


@dataclass(frozen=True)
class Federation:
    """Whose tokens an application accepts in place of a secret."""

    issuer: str
    subject: str
    audience: str = world.EXCHANGE_AUDIENCE


@dataclass
class Application:
    """An app registration or a managed identity; `roles` are app roles by audience."""

    client_id: str
    name: str
    secrets: list[str] = field(default_factory=list)
    certificates: list[x509.Certificate] = field(default_factory=list)
    federations: list[Federation] = field(default_factory=list)
    roles: dict[str, list[str]] = field(default_factory=dict)
    redirects: list[str] = field(default_factory=list)
    is_managed: bool = False

    @property
    def oid(self) -> str:
        return object_id(self.client_id)


@dataclass
class Person:
    oid: str
    name: str
    username: str
    roles: list[str]

    def claims(self) -> dict[str, Any]:
        return {
            "oid": self.oid,
            "tid": world.TENANT,
            "name": self.name,
            "preferred_username": self.username,
            "roles": self.roles,
        }


# The people of bot/defaults/people.yaml, here in the twin's tenant.
PEOPLE = (
    ("00000000-0000-0000-0000-0000000000a1", "Alex Wilber", "alexw", "Researcher"),
    ("00000000-0000-0000-0000-0000000000a2", "Megan Bowen", "meganb", "Approver"),
    ("00000000-0000-0000-0000-0000000000a3", "Nestor Wilke", "nestorw", "Admin"),
)


@dataclass
class Directory:
    applications: dict[str, Application]
    people: dict[str, Person]
    signed_in: str | None = None  # whose session the browser has: an oid

    def application(self, client_id: str) -> Application | None:
        return self.applications.get(client_id.lower())

    def person(self, key: str) -> Person | None:
        """Return the person with this object id, user name or display name."""
        wanted = key.lower()
        for person in self.people.values():
            names = (person.oid, person.username, person.username.split("@")[0], person.name)
            if wanted in (name.lower() for name in names):
                return person
        return None


def make_directory() -> Directory:
    """Return the tenant as it is when the twin starts."""
    applications = (
        Application(
            world.BOT_APP,
            "krsp-bot",
            secrets=[world.BOT_APP_SECRET],
            federations=[Federation(ISSUER, object_id(world.BOT_IDENTITY))],
        ),
        Application(
            world.BOT_IDENTITY,
            "id-krsp-bot",
            federations=[Federation(world.CLUSTER_ISSUER, world.BOT_SUBJECT)],
            is_managed=True,
        ),
        Application(
            world.PIPELINE_IDENTITY,
            "id-krsp-pipeline",
            federations=[Federation(world.DEVOPS_ISSUER, world.PIPELINE_SUBJECT)],
            roles={world.BOT_API: ["Pipeline"], world.BOT_APP: ["Pipeline"]},
            is_managed=True,
        ),
        Application(world.COMPUTE_IDENTITY, "id-krsp-compute", is_managed=True),
    )
    people = (
        Person(oid, name, f"{user}@krsp-lab.onmicrosoft.com", [role])
        for oid, name, user, role in PEOPLE
    )
    return Directory(
        applications={one.client_id: one for one in applications},
        people={one.oid: one for one in people},
    )


def application_claims(application: Application, audience: str) -> Mapping[str, Any]:
    """Return what a token of the application itself says beside audience and times."""
    claims = {
        "appid": application.client_id,
        "appidacr": "2",
        "idp": f"https://sts.windows.net/{world.TENANT}/",
        "idtyp": "app",
        "oid": application.oid,
        "sub": application.oid,
        "tid": world.TENANT,
        "ver": "1.0",
    }
    roles = application.roles.get(audience)
    return {**claims, "roles": roles} if roles else claims
