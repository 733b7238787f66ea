"""Compute clusters, their nodes, and the usage and quota of the region."""

from typing import Any

from aiohttp import web

from tests.azure_twin import world
from tests.azure_twin.arm.errors import ArmError
from tests.azure_twin.arm.resource import resource, system_data
from tests.azure_twin.arm.skus import SKUS
from tests.azure_twin.context import CommandError, TwinContext
from tests.azure_twin.jobs.capacity import LOW_PRIORITY_QUOTA, Capacity, Cluster
from tests.azure_twin.routes import Routes

PROVIDER = "Microsoft.MachineLearningServices"
IDENTITY = (
    f"/subscriptions/{world.SUBSCRIPTION}/resourceGroups/{world.RESOURCE_GROUP}"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-krsp-compute"
)


class Computes:
    def __init__(self, twin: TwinContext, capacity: Capacity) -> None:
        self._twin = twin
        self._capacity = capacity
        self._created = system_data(twin.clock)
        twin.commands["cluster.nodes"] = self._set_nodes
        twin.commands["quota.set"] = self._set_quota
        twin.resets.append(capacity.reset)

    def add_to(self, routes: Routes) -> None:
        routes.add("GET", "/computes", self._list)
        routes.add("GET", "/computes/{name}", self._get)
        routes.add("POST", "/computes/{name}/listNodes", self._nodes)

    def add_region_to(self, routes: Routes) -> None:
        base = f"/subscriptions/{world.SUBSCRIPTION}/providers/{PROVIDER}/locations/{{region}}"
        routes.add("GET", f"{base}/usages", self._usages)
        routes.add("GET", f"{base}/quotas", self._quotas)
        routes.add("GET", f"{base}/vmSizes", self._sizes)

    async def _set_nodes(self, values: dict[str, Any]) -> None:
        self._known(values["cluster"]).max_nodes = int(values["nodes"])

    async def _set_quota(self, values: dict[str, Any]) -> None:
        """Set the cores of a cluster's quota (`cluster`), or of a family (`family`)."""
        name = values.get("family") or self._known(values["cluster"]).quota_name
        self._capacity.limits[name] = int(values["cores"])

    def _known(self, name: str) -> Cluster:
        found = self._capacity.clusters.get(name)
        if found is None:
            raise CommandError(f"There is no cluster {name!r}.")
        return found

    def _cluster(self, name: str) -> Cluster:
        found = self._capacity.clusters.get(name)
        if found is None:
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The resource '{PROVIDER}/workspaces/{world.WORKSPACE}/computes/{name}' was not "
                f"found in the resource group '{world.RESOURCE_GROUP}'.",
            )
        return found

    async def _list(self, request: web.Request) -> web.Response:
        clusters = self._capacity.clusters.values()
        return web.json_response({"value": [self._body(one) for one in clusters]})

    async def _get(self, request: web.Request, name: str) -> web.Response:
        return web.json_response(self._body(self._cluster(name)))

    def _body(self, cluster: Cluster) -> dict[str, Any]:
        since = self._created["createdAt"]
        properties = {
            "computeType": "AmlCompute",
            "computeLocation": world.REGION,
            "provisioningState": "Succeeded",
            "createdOn": since,
            "modifiedOn": since,
            "description": None,
            "provisioningErrors": None,
            "isAttachedCompute": False,
            "disableLocalAuth": True,
            "properties": self._inner(cluster, since),
        }
        assigned = {"principalId": None, "clientId": world.COMPUTE_IDENTITY}
        identity = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: assigned}}
        return resource(
            f"computes/{cluster.name}",
            properties,
            location=world.REGION,
            identity=identity,
            systemData=self._created,
        )

    def _inner(self, cluster: Cluster, since: str) -> dict[str, Any]:
        """Return what is said of the nodes; their numbers follow the jobs."""
        idle = cluster.idle_nodes(self._twin.clock.seconds())
        states = ("preparing", "unusable", "leaving", "preempted")
        counts = {f"{state}NodeCount": 0 for state in states}
        scale = {
            "minNodeCount": 0,
            "maxNodeCount": cluster.max_nodes,
            "nodeIdleTimeBeforeScaleDown": "PT120S",
        }
        return {
            "vmSize": cluster.sku.name.upper(),
            "vmPriority": cluster.priority,
            "osType": "Linux",
            "scaleSettings": scale,
            "currentNodeCount": cluster.used + idle,
            "targetNodeCount": cluster.used + idle,
            "nodeStateCounts": {
                **counts,
                "idleNodeCount": idle,
                "runningNodeCount": cluster.used,
            },
            "allocationState": "Steady",
            "allocationStateTransitionTime": since,
            "remoteLoginPortPublicAccess": "NotSpecified",
            "enableNodePublicIp": True,
            "isolatedNetwork": False,
        }

    async def _nodes(self, request: web.Request, name: str) -> web.Response:
        cluster = self._cluster(name)
        holders = [job for job, nodes in cluster.holders.items() for _ in range(nodes)]
        idle: list[str | None] = [None] * cluster.idle_nodes(self._twin.clock.seconds())
        nodes = [
            {
                "nodeId": f"tvmps_{cluster.name}_{number:04d}",
                "privateIpAddress": f"10.0.0.{4 + number}",
                "publicIpAddress": None,
                "port": 50000 + number,
                "nodeState": "idle" if job is None else "running",
                "runId": job,
            }
            for number, job in enumerate([*holders, *idle])
        ]
        return web.json_response({"nodes": nodes})

    # [guess] The types and names of usages and quotas: from the examples of Azure's REST
    # documentation; low-priority cores are one quota for the whole region.

    async def _usages(self, request: web.Request, region: str) -> web.Response:
        value = [self._usage(region, name) for name in self._families()]
        return web.json_response({"value": value})

    def _families(self) -> list[str]:
        return [*sorted({one.family for one in SKUS.values()}), LOW_PRIORITY_QUOTA]

    def _usage(self, region: str, name: str) -> dict[str, Any]:
        is_low = name == LOW_PRIORITY_QUOTA
        shown = "Total Regional Low-priority vCPUs" if is_low else f"{name} Cluster Dedicated vCPUs"
        kind = "lowPriorityCores" if is_low else "dedicatedCores"
        return {
            "id": _region_id(region, f"usages/{name}"),
            "amlWorkspaceLocation": region,
            "type": f"{PROVIDER}/vmFamily/{kind}/usages",
            "unit": "Count",
            "currentValue": self._capacity.cores(name),
            "limit": self._capacity.limit(name),
            "name": {"value": name, "localizedValue": shown},
        }

    async def _quotas(self, request: web.Request, region: str) -> web.Response:
        value = [
            {
                "id": _region_id(region, f"quotas/{name}"),
                "amlWorkspaceLocation": region,
                "type": f"{PROVIDER}/vmFamily/dedicatedCores/quotas",
                "name": {"value": name, "localizedValue": name},
                "limit": self._capacity.limit(name),
                "unit": "Count",
            }
            for name in self._families()
        ]
        return web.json_response({"value": value})

    async def _sizes(self, request: web.Request, region: str) -> web.Response:
        value = [
            {
                "name": one.name,
                "family": one.family,
                "vCPUs": one.cores,
                "gpus": one.gpus,
                "memoryGB": one.memory_gb,
                "lowPriorityCapable": True,
                "premiumIO": True,
                "supportedComputeTypes": ["AmlCompute"],
            }
            for one in SKUS.values()
        ]
        return web.json_response({"value": value})


def _region_id(region: str, rest: str) -> str:
    return f"/subscriptions/{world.SUBSCRIPTION}/providers/{PROVIDER}/locations/{region}/{rest}"
