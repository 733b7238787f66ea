"""Azure ML's SDK client for a workspace, as patient as a pipeline's step can be."""

import logging
from typing import Any, Protocol

from azure.ai.ml import MLClient
from azure.core.credentials import TokenCredential

_OPTIONS: dict[str, Any] = {
    "retry_total": 4,
    "retry_backoff_max": 20,
    "connection_timeout": 10,
    "read_timeout": 60,
}


class WorkspacePlace(Protocol):
    """Which workspace is meant."""

    @property
    def subscription_id(self) -> str: ...
    @property
    def resource_group(self) -> str: ...
    @property
    def workspace(self) -> str: ...


def client_of(place: WorkspacePlace, credential: TokenCredential) -> MLClient:
    """Return the client. What Azure's packages log is told as an error of ours, in words."""
    logging.getLogger("azure").setLevel(logging.ERROR)
    return MLClient(
        credential,
        place.subscription_id,
        place.resource_group,
        place.workspace,
        show_progress=False,
        enable_telemetry=False,
        **_OPTIONS,
    )
