"""The state of the twin's organisation, and how to find something in it or be told it is not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.azure_twin.context import TwinContext
from tests.azure_twin.devops.answers import BUILD, PIPELINES, VSS, RefusalError
from tests.azure_twin.devops.model import Connection, Definition, Environment, Group, Run
from tests.azure_twin.devops.people import Identity, Members, make_members
from tests.azure_twin.entra.directory import Federation
from tests.azure_twin.world import (
    DEVOPS_ISSUER,
    ORGANISATION,
    PIPELINE_IDENTITY,
    PROJECT,
    PROJECT_ID,
    SERVICE_CONNECTION,
    SERVICE_CONNECTION_ID,
    TENANT,
)
from tests.azure_twin.world import PIPELINES as PIPELINE_IDS

REPOSITORY = Path(__file__).parents[3]
FIRST_RUN = 1001
ENVIRONMENT, GROUP = "krsp-production", "krsp"  # what azure-pipelines/ names
# The connections of azure-pipelines/, and the pipelines that may use each.
CONNECTIONS = {
    SERVICE_CONNECTION: (SERVICE_CONNECTION_ID, {"train", "promote", "ci", "scheduled"}),
    "krsp-production": ("d3c8f9e2-7054-4ba6-81d9-af6e3a2b8c05", {"promote"}),
    "krsp-deploy": ("e4d90af3-8165-4cb7-92ea-b07f4b3c9d06", {"deploy"}),
}
APPROVER, ADMIN = "Megan Bowen", "Nestor Wilke"


@dataclass
class Organisation:
    """One organisation with one project. `repository` is what every run checks out."""

    twin: TwinContext
    repository: Path = REPOSITORY
    definitions: dict[int, Definition] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    members: Members = field(default_factory=Members)
    runs: dict[int, Run] = field(default_factory=dict)
    next_run: int = FIRST_RUN

    @property
    def folder(self) -> Path:
        return self.twin.folder / "devops"

    def now(self) -> float:
        return self.twin.clock.seconds()

    def new_run_id(self) -> int:
        self.next_run += 1
        return self.next_run - 1

    def definition(self, number: int) -> Definition:
        found = self.definitions.get(number)
        if found is None:
            raise RefusalError(
                404,
                f"{PIPELINES}.PipelineNotFoundException",
                f"Pipeline {number} not found in project {PROJECT}.",
            )
        return found

    def named(self, name: str) -> Definition | None:
        return next((one for one in self.definitions.values() if one.name == name), None)

    def build(self, number: int) -> Run:
        found = self.runs.get(number)
        if found is None:
            raise RefusalError(
                404,
                f"{BUILD}.BuildNotFoundException",
                f"The requested build {number} could not be found.",
            )
        return found

    def pipeline_run(self, pipeline: int, number: int) -> Run:
        found = self.runs.get(number)
        if found is None or found.definition is not self.definition(pipeline):
            raise RefusalError(
                404,
                f"{PIPELINES}.RunNotFoundException",
                f"Run {number} of pipeline {pipeline} could not be found.",
            )
        return found

    def connection(self, name_or_id: str) -> Connection | None:
        wanted = name_or_id.lower()
        found = (c for c in self.connections.values() if wanted in {c.name.lower(), c.id.lower()})
        return next(found, None)

    def connect(self, connection: Connection) -> None:
        """Add a service connection, and let its identity trust it."""
        self.connections[connection.name] = connection
        application = self.twin.directory.application(connection.client_id)
        subject = f"sc://{ORGANISATION}/{PROJECT}/{connection.name}"
        federation = Federation(DEVOPS_ISSUER, subject)
        if application is not None and federation not in application.federations:
            application.federations.append(federation)

    def newest_first(self) -> Iterable[Run]:
        return sorted(self.runs.values(), key=lambda run: -run.id)


def make_organisation(twin: TwinContext) -> Organisation:
    """Return the organisation as it is when the twin starts."""
    people = {person.oid: person.name for person in twin.directory.people.values()}
    by_name = {name: Identity(oid, name) for oid, name in people.items()}
    approvers = [by_name[name] for name in (APPROVER, ADMIN) if name in by_name]
    production = Environment(
        1, ENVIRONMENT, approvers, instructions="Is the evaluation good?", is_exclusive=True
    )
    organisation = Organisation(
        twin,
        definitions={
            number: Definition(number, name, f"azure-pipelines/{name}.yml")
            for name, number in PIPELINE_IDS.items()
        },
        environments={production.name: production},
        groups={GROUP: Group(GROUP, {})},
        members=make_members(people),
    )
    for name, (number, pipelines) in CONNECTIONS.items():
        allowed = {PIPELINE_IDS[pipeline] for pipeline in pipelines}
        organisation.connect(Connection(number, name, PIPELINE_IDENTITY, TENANT, allowed))
    return organisation


def check_organisation(name: str) -> None:
    """Raise RefusalError unless `name` is ours."""
    if name.lower() != ORGANISATION:
        raise RefusalError(
            404,
            "Microsoft.TeamFoundation.Framework.Server.HostDoesNotExistException",
            f"The organization {name} does not exist.",
        )


def check_project(name_or_id: str) -> None:
    """Raise RefusalError unless the project is ours."""
    if name_or_id.lower() in {PROJECT.lower(), PROJECT_ID}:
        return
    is_id = len(name_or_id) == len(PROJECT_ID) and name_or_id.count("-") == 4
    kind = "ProjectDoesNotExistException" if is_id else "ProjectDoesNotExistWithNameException"
    raise RefusalError(
        404,
        f"Microsoft.TeamFoundation.Core.WebApi.{kind}",
        f"TF200016: The following project does not exist: {name_or_id}. Verify that the name of "
        "the project is correct and that the project exists on the specified Azure DevOps Server.",
    )


def not_found(path: str) -> RefusalError:
    return RefusalError(
        404,
        f"{VSS}.WebApi.VssResourceNotFoundException",
        f"The controller for path '{path}' was not found or does not implement IController.",
    )


def project_document() -> dict[str, Any]:
    return {
        "id": PROJECT_ID,
        "name": PROJECT,
        "url": f"https://dev.azure.com/{ORGANISATION}/_apis/projects/{PROJECT_ID}",
        "state": "wellFormed",
        "revision": 12,
        "visibility": "private",
        "lastUpdateTime": "2026-01-05T08:00:00.0000000Z",
    }
