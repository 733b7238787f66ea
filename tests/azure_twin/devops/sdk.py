"""The real azure-devops package against the twin: clients, and what it has no client for."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from azure.devops.client import Client
from azure.devops.connection import Connection
from azure.devops.v7_1.build import BuildClient
from azure.devops.v7_1.pipelines import PipelinesClient
from azure.devops.v7_1.pipelines.models import (
    RepositoryResourceParameters,
    Run,
    RunPipelineParameters,
    RunResourcesParameters,
    Variable,
)
from azure.devops.v7_1.service_hooks import ServiceHooksClient
from msrest.authentication import BasicTokenAuthentication
from msrest.universal_http.requests import RequestsHTTPSender

from tests.azure_twin.world import DEVOPS_URL, PROJECT

PATIENCE_S = 60.0
APPROVALS = "37794717-f36f-4d78-b2bf-4dc30d0cfbcd"


class ApprovalsClient(Client):
    """The package has no client for approvals."""

    def query(self, **values: str) -> list[dict[str, Any]]:
        query = {"$expand": "steps", **values}
        found = self._send("GET", APPROVALS, "7.1", {"project": PROJECT}, query)
        return list(found.json()["value"])

    def update(self, *updates: Mapping[str, str]) -> list[dict[str, Any]]:
        content = [dict(update) for update in updates]
        found = self._send("PATCH", APPROVALS, "7.1", {"project": PROJECT}, content=content)
        return list(found.json()["value"])


@dataclass(frozen=True)
class Sdk:
    """All clients of one identity."""

    pipelines: PipelinesClient
    builds: BuildClient
    hooks: ServiceHooksClient
    approvals: ApprovalsClient
    connection: Connection

    def run(
        self, pipeline: int, parameters: Mapping[str, str] | None = None, **variables: str
    ) -> Run:
        """Start a run on main."""
        source = RepositoryResourceParameters(ref_name="refs/heads/main")
        asked = RunPipelineParameters(
            template_parameters=dict(parameters or {}),
            resources=RunResourcesParameters(repositories={"self": source}),
            variables={name: Variable(value=value) for name, value in variables.items()},
        )
        return self.pipelines.run_pipeline(asked, PROJECT, pipeline)

    def ended(self, build_id: int) -> Any:
        """Return the build once it is completed."""
        return until(lambda: _completed(self.builds.get_build(PROJECT, build_id)))

    def records(self, build_id: int) -> Sequence[Any]:
        return self.builds.get_build_timeline(PROJECT, build_id).records

    def record(self, build_id: int, kind: str, name: str) -> Any:
        """Return the record of this type and name."""
        found = [r for r in self.records(build_id) if r.type == kind and r.name == name]
        assert found, f"no {kind} {name}"
        return found[0]

    def lines(self, build_id: int, name: str) -> list[str]:
        """Return the log of a task without its times and frame."""
        log = self.record(build_id, "Task", name).log
        lines = self.builds.get_build_log_lines(PROJECT, build_id, log.id)
        bare = [line.partition(" ")[2] for line in lines]
        return [line for line in bare if not line.startswith("##[section]")]


def sdk(token: str) -> Sdk:
    """Return clients that carry `token`."""
    connection = Connection(DEVOPS_URL, BasicTokenAuthentication({"access_token": token}))
    clients = connection.clients_v7_1
    return Sdk(
        clients.get_pipelines_client(),
        clients.get_build_client(),
        clients.get_service_hooks_client(),
        ApprovalsClient(DEVOPS_URL, BasicTokenAuthentication({"access_token": token})),
        connection,
    )


@contextmanager
def closing_sessions() -> Iterator[None]:
    """Close what the package opens meanwhile; it closes no session that it makes for a thread.

    What it leaves unread would keep its connection out of the session's reach, so all is read.
    """
    begin, made = RequestsHTTPSender._init_session, list[requests.Session]()

    def read(response: requests.Response, *_: Any, **__: Any) -> None:
        _ = response.content  # it is read, and kept, at the first look

    def note(sender: RequestsHTTPSender, session: requests.Session) -> None:
        begin(sender, session)
        session.hooks["response"].append(read)
        made.append(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestsHTTPSender, "_init_session", note)
        yield
    for session in made:
        session.close()


def until(find: Callable[[], Any]) -> Any:
    """Return what `find` returns once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := find()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def _completed(build: Any) -> Any:
    return build if build.status == "completed" else None
