"""The frame around each resource of the workspace."""

from typing import Any

from tests.azure_twin.clock import Clock
from tests.azure_twin.entra.tokens import Claims
from tests.azure_twin.world import WORKSPACE_PATH

TYPE = "Microsoft.MachineLearningServices/workspaces"


def system_data(clock: Clock, claims: Claims | None = None) -> dict[str, Any]:
    by, stamp = (claims.client_id or claims.oid) if claims else "krsp-lab", clock.stamp()
    return {
        "createdAt": stamp,
        "createdBy": by,
        "createdByType": "Application",
        "lastModifiedAt": stamp,
        "lastModifiedBy": by,
        "lastModifiedByType": "Application",
    }


def resource(path: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a resource at `path` below the workspace: `jobs/j1`, `models/m/versions/1`."""
    names = path.split("/")
    return {
        "id": f"{WORKSPACE_PATH}/{path}",
        "name": names[-1],
        "type": f"{TYPE}/{'/'.join(names[::2])}",
        "properties": properties,
        **more,
    }
