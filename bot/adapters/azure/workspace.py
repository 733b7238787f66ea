"""One Azure ML workspace: its SDK client, made when first needed, and what is known of it."""

import asyncio
import importlib
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import ContainerClient

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.credential import ARM_SCOPE, Identity, IdentitySettings, Tokens
from bot.adapters.azure.faults import AZURE_ML, Answer, AnswerError
from bot.adapters.azure.rest import ARM, get_json, heeding
from bot.errors import SetupError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

log = logging.getLogger(__name__)

T = TypeVar("T")

ARTIFACTS, FILES = "workspaceartifactstore", "workspaceblobstore"
# One more try for a connection that an idle pool has lost; pauses are the gate's, not the SDK's.
PATIENCE: dict[str, Any] = {
    "retry_total": 1,
    "retry_status": 0,
    "connection_timeout": 5,
    "read_timeout": 20,
}
# They tell of each call, at INFO, whatever the telemetry is set to.
_TALKATIVE = ("azure.ai.ml", "azure.ai.ml._telemetry", "azure.core")
COMPUTES_VERSION = "2024-10-01"
_TRACKING = re.compile(r"(?:azureml|https)://(?P<host>[^/]+)/mlflow/v[12]\.0(?P<path>/[^?]*)")


class WorkspaceSettings(IdentitySettings, Protocol):
    """The settings that say which workspace; `bot.settings.Settings` has them."""

    @property
    def subscription_id(self) -> str: ...
    @property
    def resource_group(self) -> str: ...
    @property
    def workspace(self) -> str: ...


@dataclass(frozen=True)
class Container:
    """The blob container behind a datastore."""

    account_url: str
    name: str


@dataclass(frozen=True)
class Facts:
    """What a workspace says of itself; it does not change while the bot runs."""

    region: str
    tracking_url: str  # MLflow's, over https
    history_url: str  # run history, up to and without `/runs`
    containers: Mapping[str, Container]


class Workspace:
    """Calls block: hand them to `ask`. One token source and one gate for all that Azure ML is."""

    def __init__(
        self,
        path: tuple[str, str, str],
        tokens: Tokens,
        calls: Calls | None = None,
    ) -> None:
        self.subscription, self.group, self.name = path
        self.tokens = tokens
        self.calls = calls or Calls(Gate(AZURE_ML), tokens.identity.words)
        self._heed = heeding(self.calls.gate)
        self._lock = threading.Lock()
        self._client: MLClient | None = None
        self._facts: Facts | None = None
        self._containers: dict[str, ContainerClient] = {}

    @classmethod
    def of(cls, settings: WorkspaceSettings) -> "Workspace":
        """Return the workspace that the settings name, entered as the bot's identity."""
        path = (settings.subscription_id, settings.resource_group, settings.workspace)
        return cls(path, Tokens(Identity.of(settings)))

    @property
    def resource_id(self) -> str:
        """Return how Azure Resource Manager calls it."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers"
            f"/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )

    async def ask(self, doing: str, call: Callable[["Workspace"], T]) -> T:
        """Return what the blocking `call` returns; raises `BotError`s only."""
        return await self.calls.run_renewing(doing, lambda: self._judged(call), self.forget)

    def _judged(self, call: Callable[["Workspace"], T]) -> T:
        """Tell a token that Azure ML refused from one that Entra did not give.

        azure-core raises the same error for both.
        """
        try:
            return call(self)
        except ClientAuthenticationError as error:
            if error.status_code != 401 or "AADSTS" in str(error.message):
                raise
            raise AnswerError(Answer(401, "", str(error.message))) from error

    def forget(self) -> None:
        """Drop clients and tokens, because a token was refused."""
        with self._lock:
            self.tokens.forget()
            self._client = None
            self._containers.clear()

    @property
    def ml(self) -> "MLClient":
        """Return the SDK's client. It takes two seconds to load: from a thread only."""
        with self._lock:
            if self._client is None:
                module = importlib.import_module("azure.ai.ml")
                self._client = module.MLClient(
                    self.tokens.credential,
                    self.subscription,
                    self.group,
                    self.name,
                    show_progress=False,
                    enable_telemetry=False,
                    raw_response_hook=self._heed,
                    **PATIENCE,
                )
                for name in _TALKATIVE:
                    logging.getLogger(name).setLevel(logging.ERROR)
            return self._client

    def facts(self) -> Facts:
        """Return what the workspace says of itself, asked once. Blocks."""
        if self._facts is None:
            found = self.ml.workspaces.get(self.name)
            tracking = _TRACKING.match(str(found.mlflow_tracking_uri))
            if tracking is None:
                raise SetupError(
                    f"The workspace {self.name} has no MLflow address of a kind that is known "
                    f"({found.mlflow_tracking_uri}); check KRSP_WORKSPACE."
                )
            host, path = tracking["host"], tracking["path"].rstrip("/")
            self._facts = Facts(
                region=str(found.location),
                tracking_url=f"https://{host}/mlflow/v2.0{path}",
                history_url=f"https://{host}/history/v1.0{path}",
                containers={name: self._container(name) for name in (ARTIFACTS, FILES)},
            )
        return self._facts

    def _container(self, datastore: str) -> Container:
        found: Any = self.ml.datastores.get(datastore)
        ending = getattr(found, "endpoint", None) or "core.windows.net"
        return Container(f"https://{found.account_name}.blob.{ending}", str(found.container_name))

    def blobs(self, datastore: str) -> ContainerClient:
        """Return the client of a datastore's container. Blocks."""
        place = self.facts().containers[datastore]
        with self._lock:
            if datastore not in self._containers:
                self._containers[datastore] = ContainerClient(
                    place.account_url, place.name, credential=self.tokens.credential, **PATIENCE
                )
            return self._containers[datastore]

    def history(self, below: str) -> dict[str, Any]:
        """Return a document of run history, `runs/<name>` or below that. Blocks."""
        return self._get(f"{self.facts().history_url}/{below}")

    def computes(self) -> list[dict[str, Any]]:
        """Return the clusters as Azure Resource Manager has them. Blocks.

        The SDK's own class leaves out how many nodes work, and its list of nodes is no read but an
        action, which needs a right more.
        """
        url: str | None = f"{ARM}{self.resource_id}/computes?api-version={COMPUTES_VERSION}"
        found: list[dict[str, Any]] = []
        while url:
            page = self._get(url)
            found += page.get("value") or []
            url = page.get("nextLink")
        return found

    def _get(self, url: str) -> dict[str, Any]:
        credential = self.tokens.credential
        return get_json(url, credential, ARM_SCOPE, heed=self._heed, patience=PATIENCE)

    def close(self) -> None:
        """Let go of the threads."""
        self.calls.close()


async def all_of(*questions: Any) -> list[Any]:
    """Return all answers, in order; the first error is raised once all have ended."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return list(answers)
