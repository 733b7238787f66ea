"""One Azure DevOps project, through the SDK's clients: a fresh token and a verdict each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import requests
from azure.devops._file_cache import OPTIONS_CACHE
from azure.devops.client import Client
from azure.devops.v7_1.build import BuildClient
from azure.devops.v7_1.core import CoreClient
from azure.devops.v7_1.pipeline_permissions import PipelinePermissionsClient
from azure.devops.v7_1.pipelines import PipelinesClient
from azure.devops.v7_1.service_endpoint import ServiceEndpointClient
from azure.devops.v7_1.service_hooks import ServiceHooksClient
from msrest.authentication import Authentication

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.credential import DEVOPS_SCOPE, Identity, IdentitySettings, Tokens
from bot.adapters.azure.faults import (
    DEVOPS,
    Answer,
    AnswerError,
    retry_after_s,
    utc_now,
)

T = TypeVar("T")

CONNECT_S = 5.0
_APPROVALS = "37794717-f36f-4d78-b2bf-4dc30d0cfbcd"  # in the location table of dev.azure.com


class DevOpsSettings(IdentitySettings, Protocol):
    """The settings that say where the pipelines are; `bot.settings.Settings` has them."""

    @property
    def devops_url(self) -> str: ...
    @property
    def devops_project(self) -> str: ...


@dataclass(frozen=True)
class Approval:
    """A decision that a run waits for; taken in Azure DevOps, never by the bot."""

    id: str
    run_id: int | None
    approvers: tuple[str, ...]


class ApprovalsClient(Client):
    """Pending approvals; azure-devops 7.1.0b4 has no client for them. It can only read."""

    def pending(self, project: str) -> Sequence[Approval]:
        """Return what waits for a decision in the project."""
        answer = self._send(
            "GET",
            _APPROVALS,
            "7.1-preview.1",
            {"project": project},
            {"state": "pending", "$expand": "steps"},
        )
        return [_approval(each) for each in answer.json()["value"]]


class Bearer(Authentication):
    """Asks for the token anew with each request: the SDK's own class keeps one until it dies."""

    def __init__(self, tokens: Tokens) -> None:
        self.header = "Authorization"
        self._tokens = tokens

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """Return the session with a token that is good now."""
        session = super().signed_session(session)
        session.headers[self.header] = f"Bearer {self._tokens.token(DEVOPS_SCOPE)}"
        return session


class DevOps:
    """The clients of one project. Their calls block: hand them to `ask`."""

    def __init__(
        self,
        url: str,
        project: str,
        tokens: Tokens,
        calls: Calls | None = None,
    ) -> None:
        # On disk it outlives what it describes, and a container may have no disk to write.
        OPTIONS_CACHE.file_name = ""
        self.url, self.project, self.tokens = url, project, tokens
        self.calls = calls or Calls(Gate(DEVOPS), tokens.identity.words)
        self._sessions: set[requests.Session] = set()  # one for each client and thread
        self.build = self._client(BuildClient)
        self.pipelines = self._client(PipelinesClient)
        self.approvals = self._client(ApprovalsClient)
        self.hooks = self._client(ServiceHooksClient)
        self.core = self._client(CoreClient)
        self.endpoints = self._client(ServiceEndpointClient)
        self.permissions = self._client(PipelinePermissionsClient)

    @classmethod
    def of(cls, settings: DevOpsSettings) -> "DevOps":
        """Return the project that the settings name, entered as the bot's identity."""
        tokens = Tokens(Identity.of(settings))
        return cls(settings.devops_url, settings.devops_project, tokens)

    async def ask(self, doing: str, call: Callable[[], T]) -> T:
        """Return what the blocking `call` returns; raises `BotError`s only."""
        return await self.calls.run_renewing(doing, call, self.tokens.forget)

    def run_url(self, run_id: int) -> str:
        """Return the page of a pipeline run."""
        return f"{self.url}/{self.project}/_build/results?buildId={run_id}"

    def close(self) -> None:
        """Let go of the threads and their connections."""
        self.calls.close()
        for session in tuple(self._sessions):
            session.close()

    def _client(self, kind: Callable[[str, Authentication], Any]) -> Any:
        """Return a client that never repeats a request by itself and ends each in time.

        The SDK would first ask for each client's address; these all live at the organisation's.
        """
        client = kind(self.url, Bearer(self.tokens))
        client.config.retry_policy.retries = 0
        client.config.retry_policy.policy.status_forcelist = frozenset()
        client.config.connection.timeout = (CONNECT_S, self.calls.read_s)
        client.config.hooks.append(self._judge)
        client.config.session_configuration_callback = self._note
        return client

    def _note(self, session: requests.Session, *_: object, **kwargs: Any) -> dict[str, Any]:
        """Remember a session that the SDK makes for a thread, since it never closes one."""
        self._sessions.add(session)
        return kwargs

    def _judge(self, response: requests.Response, *_: object, **__: object) -> None:
        """Look at each answer before the SDK does, which forgets status and headers."""
        status = response.status_code
        response.content  # noqa: B018 - read it: what the SDK leaves unread keeps its connection
        self.calls.gate.heed(status, response.headers)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if status < 300 and not is_page:
            return
        code, message = _words(response)
        if status < 300:
            status = 203  # a sign-in page, whatever it calls itself
        raise AnswerError(Answer(status, code, message, retry_after_s(response.headers, utc_now())))


def _words(response: requests.Response) -> tuple[str, str]:
    try:
        said = response.json()
    except (ValueError, requests.RequestException):
        return "", ""
    if not isinstance(said, dict):
        return "", ""
    return str(said.get("typeKey") or ""), str(said.get("message") or "")


def _approval(said: dict[str, Any]) -> Approval:
    owner = (said.get("pipeline") or {}).get("owner") or {}
    names = (
        (step.get("assignedApprover") or {}).get("displayName")
        for step in said.get("steps") or ()
        if step.get("status") == "pending"
    )
    return Approval(str(said["id"]), owner.get("id"), tuple(str(name) for name in names if name))
