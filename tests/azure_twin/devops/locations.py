"""The part of Azure DevOps' location table that the twin serves, and how a path finds its entry.

A test holds each entry against the table that dev.azure.com itself has answered.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.azure_twin.world import DEVOPS_URL

NUMBERS = frozenset({"buildId", "definitionId", "logId", "pipelineId", "runId", "notificationId"})


@dataclass(frozen=True)
class Location:
    """One resource: where it is, and which versions of it exist. `released` 0.0: preview only."""

    id: str
    area: str
    resource: str
    template: str
    oldest: str
    newest: str
    released: str
    version: int
    pattern: re.Pattern[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _pattern(self))

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "area": self.area,
            "resourceName": self.resource,
            "routeTemplate": self.template,
            "resourceVersion": self.version,
            "minVersion": self.oldest,
            "maxVersion": self.newest,
            "releasedVersion": self.released,
        }


def _pattern(location: Location) -> re.Pattern[str]:
    segments = location.template.split("/")
    fixed = {"{area}": location.area, "{resource}": location.resource}
    parts = []
    for number, segment in enumerate(segments, start=1):
        if segment in fixed or not segment.startswith("{"):
            parts.append("/" + re.escape(fixed.get(segment, segment)))
            continue
        name = segment.strip("{*}")
        value = r"\d+" if name in NUMBERS else (".+" if "*" in segment else "[^/]+")
        part = f"/(?P<{name}>{value})"
        parts.append(f"(?:{part})?" if number == len(segments) else part)
    return re.compile("".join(parts) + "/?", re.IGNORECASE)


def _at(id_: str, area: str, route: str, oldest: str, version: int) -> Location:
    """Return an entry that is released at 7.1; the last fixed word of `route` is its resource."""
    resource, _, template = route.partition(" ")
    return Location(id_, area, resource, template, oldest, "7.2", "7.1", version)


_BUILD = "{project}/_apis/{area}/builds/{buildId}/{resource}"
_RUN = "{project}/_apis/{area}/{pipelineId}"
_OIDC = "{scopeIdentifier}/_apis/{area}/hubs/{hubName}/plans/{planId}/jobs/{jobId}/{resource}"
_CHECKS = "{project}/_apis/pipelines/checks/{resource}"

PIPELINES = _at("28e1305e-2afe-47bf-abaf-cbb0e6a91988", "Pipelines", f"pipelines {_RUN}", "5.1", 1)
RUNS = _at(
    "7859261e-d2e9-4a68-b820-a5d84cc5bb3d", "Pipelines", f"runs {_RUN}/{{resource}}/{{runId}}",
    "5.1", 2,
)  # fmt: skip
PREVIEW = _at(
    "53df2d18-29ea-46a9-bee0-933540f80abf", "pipelines", f"preview {_RUN}/{{resource}}", "5.1", 2
)
RUN_LOGS = _at(
    "fb1b6d27-3957-43d5-a14b-a2d70403e545", "Pipelines",
    f"logs {_RUN}/runs/{{runId}}/{{resource}}/{{logId}}", "5.1", 1,
)  # fmt: skip
BUILDS = _at(
    "0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "Build",
    "Builds {project}/_apis/build/{resource}/{buildId}", "1.0", 7,
)  # fmt: skip
TIMELINE = _at(
    "8baac422-4c6e-4de5-8532-db96d92acffa", "build", f"Timeline {_BUILD}/{{timelineId}}", "2.0", 3
)
LOGS = _at("35a80daf-7f30-45fc-86e8-6b813d9c90df", "build", f"logs {_BUILD}/{{logId}}", "2.0", 2)
TAGS = _at("6e6114b2-8161-44c8-8f6c-c5505782427f", "build", f"tags {_BUILD}/{{*tag}}", "2.0", 3)
STAGES = _at(
    "b8aac6c9-744b-46e1-88fc-3550969f9313", "build", f"stages {_BUILD}/{{stageRefName}}", "5.2", 5
)
ARTIFACTS = _at(
    "1db06c96-014e-44e1-ac91-90b2d4b3e984", "build", f"artifacts {_BUILD}/{{artifactName}}",
    "2.0", 5,
)  # fmt: skip
APPROVALS = _at(
    "37794717-f36f-4d78-b2bf-4dc30d0cfbcd", "approval",
    "approvals {project}/_apis/pipelines/{resource}/{approvalId}", "5.1", 2,
)  # fmt: skip
CHECKS = Location(
    "86c8381e-5aee-4cde-8ae4-25c0c7f5eaea", "PipelinesChecks", "configurations",
    f"{_CHECKS}/{{id}}", "5.1", "7.2", "0.0", 1,
)  # fmt: skip
ENVIRONMENTS = _at(
    "8572b1fc-2482-47fa-8f74-7e3ed53ee54b", "distributedtask",
    "environments {project}/_apis/{area}/{resource}/{environmentId}", "5.0", 1,
)  # fmt: skip
SUBSCRIPTIONS = _at(
    "fc50d02a-849f-41fb-8af1-0a5216103269", "hooks",
    "subscriptions _apis/{area}/{resource}/{subscriptionId}", "1.0", 1,
)  # fmt: skip
NOTIFICATIONS = _at(
    "0c62d343-21b0-4732-997b-017fde84dc28", "hooks",
    "notifications _apis/{area}/subscriptions/{subscriptionId}/{resource}/{notificationId}",
    "1.0", 1,
)  # fmt: skip
TEST_NOTIFICATIONS = _at(
    "1139462c-7e27-4524-a997-31b9b73551fe", "hooks",
    "testNotifications _apis/{area}/{resource}/{notificationId}", "1.0", 1,
)  # fmt: skip
OIDC_TOKEN = _at(
    "69a319f4-28c1-4bfd-93e6-ea0ff5c6f1a2", "distributedtask", f"oidctoken {_OIDC}", "7.1", 1
)
ENDPOINTS = _at(
    "e85f1c62-adfc-4b74-b618-11a150fb195e",
    "serviceendpoint",
    "endpoints {project}/_apis/{area}/{resource}/{endpointId}",
    "4.1",
    4,
)
PERMISSIONS = Location(
    "b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2",
    "pipelinePermissions",
    "pipelinePermissions",
    "{project}/_apis/pipelines/{resource}/{resourceType}/{resourceId}",
    "5.1",
    "7.2",
    "0.0",
    1,
)
RESOURCE_USAGE = Location(
    "eae1d376-a8b1-4475-9041-1dfdbe8f0143",
    "distributedtask",
    "resourceusage",
    "_apis/{area}/{resource}",
    "4.1",
    "7.2",
    "0.0",
    2,
)
PROJECTS = _at(
    "603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects _apis/{resource}/{*projectId}",
    "1.0", 4,
)  # fmt: skip
RESOURCE_AREAS = Location(
    "e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas",
    "_apis/{resource}/{areaId}", "3.2", "7.2", "0.0", 1,
)  # fmt: skip
CONNECTION_DATA = Location(
    "00d9565f-ed9c-4a06-9a50-00e7896ccab4", "Location", "ConnectionData",
    "_apis/{resource}", "1.0", "7.2", "0.0", 1,
)  # fmt: skip

TABLE = (
    RUNS,
    PREVIEW,
    RUN_LOGS,
    PIPELINES,
    BUILDS,
    TIMELINE,
    LOGS,
    TAGS,
    STAGES,
    ARTIFACTS,
    APPROVALS,
    CHECKS,
    ENVIRONMENTS,
    SUBSCRIPTIONS,
    NOTIFICATIONS,
    TEST_NOTIFICATIONS,
    OIDC_TOKEN,
    ENDPOINTS,
    PERMISSIONS,
    RESOURCE_USAGE,
    PROJECTS,
    RESOURCE_AREAS,
    CONNECTION_DATA,
)

AREAS = {
    "79134c72-4a58-4b42-976c-04e7115f32bf": "core",
    "a85b8835-c1a1-4aac-ae97-1c3d0ba72dbd": "distributedtask",
    "5b55a9b6-2e0f-40d7-829d-3741d2b8c4e4": "approval",
    "965220d5-5bb9-42cf-8d67-9b146df2a5a4": "Build",
    "4a933897-0488-45af-bd82-6fd3ad33f46a": "PipelinesChecks",
    "2e0bf237-8973-4ec9-a581-9c3d679d1776": "pipelines",
    "1814ab31-2f4f-4a9f-8761-f4d77dc5a5d7": "serviceendpoint",
    "a81a0441-de52-4000-aa15-ff0e07bfbbaa": "pipelinePermissions",
}


def find(path: str) -> tuple[Location, dict[str, str]] | None:
    """Return the entry that `path` (behind the organisation) names, and its values."""
    for location in TABLE:
        match = location.pattern.fullmatch(path)
        if match:
            return location, {name: text for name, text in match.groupdict().items() if text}
    return None


def areas() -> list[dict[str, str]]:
    """Return which host serves which area: for ours it is always the organisation's."""
    return [
        {"id": id_, "name": name, "locationUrl": f"{DEVOPS_URL}/"} for id_, name in AREAS.items()
    ]
