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


TABLE: list[Location] = []


def _entry(words: str, template: str) -> Location:
    """Add an entry to the table: id, area, resource, oldest and released version, own version."""
    id_, area, resource, oldest, released, version = words.split()
    TABLE.append(Location(id_, area, resource, template, oldest, "7.2", released, int(version)))
    return TABLE[-1]


RUNS = _entry(
    "7859261e-d2e9-4a68-b820-a5d84cc5bb3d Pipelines runs 5.1 7.1 2",
    "{project}/_apis/{area}/{pipelineId}/{resource}/{runId}",
)
PREVIEW = _entry(
    "53df2d18-29ea-46a9-bee0-933540f80abf pipelines preview 5.1 7.1 2",
    "{project}/_apis/{area}/{pipelineId}/{resource}",
)
RUN_LOGS = _entry(
    "fb1b6d27-3957-43d5-a14b-a2d70403e545 Pipelines logs 5.1 7.1 1",
    "{project}/_apis/{area}/{pipelineId}/runs/{runId}/{resource}/{logId}",
)
PIPELINES = _entry(
    "28e1305e-2afe-47bf-abaf-cbb0e6a91988 Pipelines pipelines 5.1 7.1 1",
    "{project}/_apis/{area}/{pipelineId}",
)
BUILDS = _entry(
    "0cd358e1-9217-4d94-8269-1c1ee6f93dcf Build Builds 1.0 7.1 7",
    "{project}/_apis/build/{resource}/{buildId}",
)
TIMELINE = _entry(
    "8baac422-4c6e-4de5-8532-db96d92acffa build Timeline 2.0 7.1 3",
    "{project}/_apis/{area}/builds/{buildId}/{resource}/{timelineId}",
)
LOGS = _entry(
    "35a80daf-7f30-45fc-86e8-6b813d9c90df build logs 2.0 7.1 2",
    "{project}/_apis/{area}/builds/{buildId}/{resource}/{logId}",
)
TAGS = _entry(
    "6e6114b2-8161-44c8-8f6c-c5505782427f build tags 2.0 7.1 3",
    "{project}/_apis/{area}/builds/{buildId}/{resource}/{*tag}",
)
STAGES = _entry(
    "b8aac6c9-744b-46e1-88fc-3550969f9313 build stages 5.2 7.1 5",
    "{project}/_apis/{area}/builds/{buildId}/{resource}/{stageRefName}",
)
ARTIFACTS = _entry(
    "1db06c96-014e-44e1-ac91-90b2d4b3e984 build artifacts 2.0 7.1 5",
    "{project}/_apis/{area}/builds/{buildId}/{resource}/{artifactName}",
)
APPROVALS = _entry(
    "37794717-f36f-4d78-b2bf-4dc30d0cfbcd approval approvals 5.1 7.1 2",
    "{project}/_apis/pipelines/{resource}/{approvalId}",
)
CHECKS = _entry(
    "86c8381e-5aee-4cde-8ae4-25c0c7f5eaea PipelinesChecks configurations 5.1 0.0 1",
    "{project}/_apis/pipelines/checks/{resource}/{id}",
)
ENVIRONMENTS = _entry(
    "8572b1fc-2482-47fa-8f74-7e3ed53ee54b distributedtask environments 5.0 7.1 1",
    "{project}/_apis/{area}/{resource}/{environmentId}",
)
SUBSCRIPTIONS = _entry(
    "fc50d02a-849f-41fb-8af1-0a5216103269 hooks subscriptions 1.0 7.1 1",
    "_apis/{area}/{resource}/{subscriptionId}",
)
NOTIFICATIONS = _entry(
    "0c62d343-21b0-4732-997b-017fde84dc28 hooks notifications 1.0 7.1 1",
    "_apis/{area}/subscriptions/{subscriptionId}/{resource}/{notificationId}",
)
TEST_NOTIFICATIONS = _entry(
    "1139462c-7e27-4524-a997-31b9b73551fe hooks testNotifications 1.0 7.1 1",
    "_apis/{area}/{resource}/{notificationId}",
)
OIDC_TOKEN = _entry(
    "69a319f4-28c1-4bfd-93e6-ea0ff5c6f1a2 distributedtask oidctoken 7.1 7.1 1",
    "{scopeIdentifier}/_apis/{area}/hubs/{hubName}/plans/{planId}/jobs/{jobId}/{resource}",
)
ENDPOINTS = _entry(
    "e85f1c62-adfc-4b74-b618-11a150fb195e serviceendpoint endpoints 4.1 7.1 4",
    "{project}/_apis/{area}/{resource}/{endpointId}",
)
PERMISSIONS = _entry(
    "b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2 pipelinePermissions pipelinePermissions 5.1 0.0 1",
    "{project}/_apis/pipelines/{resource}/{resourceType}/{resourceId}",
)
RESOURCE_USAGE = _entry(
    "eae1d376-a8b1-4475-9041-1dfdbe8f0143 distributedtask resourceusage 4.1 0.0 2",
    "_apis/{area}/{resource}",
)
PROJECTS = _entry(
    "603fe2ac-9723-48b9-88ad-09305aa6c6e1 core projects 1.0 7.1 4",
    "_apis/{resource}/{*projectId}",
)
RESOURCE_AREAS = _entry(
    "e81700f7-3be2-46de-8624-2eb35882fcaa Location ResourceAreas 3.2 0.0 1",
    "_apis/{resource}/{areaId}",
)
CONNECTION_DATA = _entry(
    "00d9565f-ed9c-4a06-9a50-00e7896ccab4 Location ConnectionData 1.0 0.0 1",
    "_apis/{resource}",
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
