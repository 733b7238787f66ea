"""What the twin's Azure DevOps project holds: pipelines, environments, connections, runs."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.local.interpreter.plan import Plan, Stage
from tests.azure_twin.devops.people import Identity
from tests.azure_twin.world import DEVOPS_URL, PROJECT_ID

NOT_STARTED, IN_PROGRESS, CANCELLING, COMPLETED = (
    "notStarted",
    "inProgress",
    "cancelling",
    "completed",
)
API = f"{DEVOPS_URL}/{PROJECT_ID}/_apis"


@dataclass
class Definition:
    """A pipeline: a file of the repository, and the variables kept beside it in the service."""

    id: int
    name: str
    file: str
    variables: dict[str, str] = field(default_factory=dict)
    revision: int = 1

    def reference(self) -> dict[str, Any]:
        """Return it as the pipelines API names it."""
        return {
            "url": f"{API}/pipelines/{self.id}?revision={self.revision}",
            "id": self.id,
            "revision": self.revision,
            "name": self.name,
            "folder": "\\",
        }


@dataclass
class Environment:
    """What deployments go to, with the checks that stand before it."""

    id: int
    name: str
    approvers: list[Identity] = field(default_factory=list)
    minimum: int = 1
    instructions: str = ""
    requester_may_approve: bool = False
    is_exclusive: bool = False


@dataclass
class Connection:
    """A service connection to Azure by workload identity federation.

    `pipelines` may use it without anybody's permission; None opens it to all.
    """

    id: str
    name: str
    client_id: str
    tenant: str
    pipelines: set[int] | None = None

    def is_open_to(self, pipeline: int) -> bool:
        return self.pipelines is None or pipeline in self.pipelines

    def environment(self) -> dict[str, str]:
        """Return what a task that signs in with it gives its script."""
        return {
            "AZURESUBSCRIPTION_CLIENT_ID": self.client_id,
            "AZURESUBSCRIPTION_TENANT_ID": self.tenant,
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": self.id,
        }


@dataclass
class Group:
    """A variable group; the names in `secrets` are secret."""

    name: str
    variables: dict[str, str]
    secrets: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Cause:
    """Why and for whom a run is: what `Build.Reason` and `Build.RequestedFor` say."""

    reason: str
    requested_for: Identity
    requested_by: Identity
    branch: str = "refs/heads/main"
    commit: str = ""


@dataclass
class LogFile:
    id: int
    path: Path
    created_at: float


@dataclass
class Attempt:
    """One go at a run's stages: its folder, what its agent said last, and the stages kept."""

    number: int
    folder: Path
    document: dict[str, Any] = field(default_factory=dict)
    earlier: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """A run of a pipeline; builds are the same thing by another API."""

    id: int
    definition: Definition
    number: str
    cause: Cause
    plan: Plan
    parameters: Mapping[str, str]
    variables: Mapping[str, str]
    folder: Path
    queued_at: float
    status: str = NOT_STARTED
    result: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    changed_at: float = 0.0
    change: int = 1
    tags: list[str] = field(default_factory=list)
    deleted_tags: set[str] = field(default_factory=set)
    token: str = ""
    waits_for: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    logs: list[LogFile] = field(default_factory=list)

    @property
    def plan_id(self) -> uuid.UUID:
        """The orchestration's id, below which every record and job has its own."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{API}/build/builds/{self.id}")

    @property
    def attempt(self) -> Attempt:
        return self.attempts[-1]

    @property
    def is_over(self) -> bool:
        return self.status == COMPLETED

    def record_id(self, *path: str) -> str:
        return str(uuid.uuid5(self.plan_id, "/".join(path)))

    def stage(self, name: str) -> Stage | None:
        found = (stage for stage in self.plan.stages if stage.name.lower() == name.lower())
        return next(found, None)

    def log_of(self, path: Path) -> LogFile | None:
        return next((log for log in self.logs if log.path == path), None)

    def web_url(self) -> str:
        return f"{DEVOPS_URL}/{PROJECT_ID}/_build/results?buildId={self.id}"
