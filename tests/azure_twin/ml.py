"""Azure ML, put together: control plane, data plane, jobs and blobs."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from tests.azure_twin.arm.asset_routes import AssetRoutes, ResolvedUris
from tests.azure_twin.arm.assets import Assets
from tests.azure_twin.arm.computes import Computes
from tests.azure_twin.arm.jobs import JobRoutes
from tests.azure_twin.arm.operations import Operations
from tests.azure_twin.arm.service import Arm
from tests.azure_twin.arm.workspace import Workspace
from tests.azure_twin.blob.azurite import start_azurite
from tests.azure_twin.blob.service import BlobService
from tests.azure_twin.blob.store import BlobStore
from tests.azure_twin.certs import Certificates
from tests.azure_twin.context import TwinContext
from tests.azure_twin.history import DataPlane
from tests.azure_twin.jobs.capacity import Capacity
from tests.azure_twin.jobs.life import Jobs
from tests.azure_twin.jobs.staging import Staging
from tests.azure_twin.roles import Roles
from tests.azure_twin.routes import Routes
from tests.azure_twin.serving.deployments import Deployments
from tests.azure_twin.serving.endpoints import Endpoints
from tests.azure_twin.serving.inference import Inference
from tests.azure_twin.serving.servers import Servers
from tests.azure_twin.tracking.service import MLflow
from tests.azure_twin.world import ARTIFACT_STORE, BLOB_STORE

Service = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def start_machine_learning(
    twin: TwinContext, certificates: Certificates, stack: AsyncExitStack
) -> dict[str, Service]:
    """Return the services of Azure ML and of its storage account, by kind of host."""
    _, port = await start_azurite(twin, certificates)
    store = BlobStore(port, certificates.authority)
    stack.push_async_callback(store.close)
    for container in (BLOB_STORE, ARTIFACT_STORE):
        await store.ensure_container(container)

    roles, assets, capacity = Roles(), Assets(twin.clock), Capacity(twin.clock)
    _add_role_commands(twin, roles)
    jobs = Jobs(twin, store, assets, capacity, Staging(store, assets, twin.folder))
    operations, inside, outside = Operations(twin.clock), Routes(), Routes()

    computes = Computes(twin, capacity)
    servers = Servers(twin, assets, store)
    endpoints = Endpoints(twin, servers, operations)
    for part in (
        Workspace(twin),
        computes,
        AssetRoutes(twin, assets, store, jobs.output_place),
        JobRoutes(twin, jobs, operations),
        endpoints,
        Deployments(twin, endpoints, servers, operations, capacity),
    ):
        part.add_to(inside)
    computes.add_region_to(outside)
    operations.add_to(outside)
    arm = Arm(twin, roles, inside=inside, outside=outside)
    mlflow = MLflow(twin, jobs, store)
    plane = DataPlane(arm, jobs, store, mlflow, ResolvedUris(assets))
    blob = BlobService(twin, roles, port=port, trust=certificates.client())
    return {
        "arm": arm.handle,
        "dataplane": plane.handle,
        "blob": blob.handle,
        "inference": Inference(twin, roles, endpoints).handle,
    }


def _add_role_commands(twin: TwinContext, roles: Roles) -> None:
    async def grant(values: dict[str, Any]) -> None:
        roles.grant(values["client_id"], values["actions"])

    async def used(values: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = str(values.get("client_id") or "").lower()
        return [
            {**vars(use), "times": times}
            for use, times in roles.uses.items()
            if not wanted or use.client_id == wanted
        ]

    twin.resets.append(roles.reset)
    twin.commands["roles.set"] = grant
    twin.commands["roles.used"] = used
