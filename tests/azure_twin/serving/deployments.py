"""HTTP of deployments: bring up, look, logs, delete."""

from typing import Any

from aiohttp import web

from tests.azure_twin.arm.assets import Assets
from tests.azure_twin.arm.errors import ArmError, bad_request, not_found
from tests.azure_twin.arm.operations import Operations
from tests.azure_twin.arm.resource import system_data
from tests.azure_twin.context import TwinContext
from tests.azure_twin.jobs.capacity import Capacity
from tests.azure_twin.routes import Routes
from tests.azure_twin.serving.endpoints import Endpoints, check_idle
from tests.azure_twin.serving.record import Deployment, Endpoint
from tests.azure_twin.serving.servers import Servers

# What an update may change without a new server.
SCALED = {"scaleSettings", "description", "properties", "requestSettings", "appInsightsEnabled"}


class Deployments:
    def __init__(
        self,
        twin: TwinContext,
        endpoints: Endpoints,
        servers: Servers,
        operations: Operations,
        capacity: Capacity,
    ) -> None:
        self._twin = twin
        self._endpoints = endpoints
        self._servers = servers
        self._operations = operations
        self._capacity = capacity
        capacity.others = self._cores
        twin.commands["serving.image"] = self._set_image
        twin.commands["serving.ready_within"] = self._set_patience
        twin.resets.append(servers.reset)

    def add_to(self, routes: Routes) -> None:
        base = "/onlineEndpoints/{endpoint}/deployments"
        routes.add("GET", base, self._list)
        routes.add("GET", f"{base}/{{name}}", self._get)
        routes.add("PUT", f"{base}/{{name}}", self._put)
        routes.add("PATCH", f"{base}/{{name}}", self._patch)
        routes.add("DELETE", f"{base}/{{name}}", self._delete)
        routes.add("POST", f"{base}/{{name}}/getLogs", self._logs)
        routes.add("GET", f"{base}/{{name}}/skus", self._skus)

    async def _set_image(self, values: dict[str, Any]) -> None:
        """Say which `command` stands for images that match `image`."""
        self._servers.images.commands[values["image"]] = list(values["command"])

    async def _set_patience(self, values: dict[str, Any]) -> None:
        self._servers.ready_within_s = float(values["seconds"])

    def _cores(self) -> dict[str, int]:
        """Return the cores of all deployments, by family."""
        found: dict[str, int] = {}
        for endpoint in self._endpoints.held.values():
            for one in endpoint.deployments.values():
                if one.state != "Failed":
                    found[one.sku.family] = found.get(one.sku.family, 0) + one.cores
        return found

    def _known(self, endpoint: str, name: str) -> tuple[Endpoint, Deployment]:
        held = self._endpoints.known(endpoint)
        if name not in held.deployments:
            raise not_found(f"The deployment {name!r} of the endpoint {endpoint!r}")
        return held, held.deployments[name]

    async def _list(self, request: web.Request, endpoint: str) -> web.Response:
        held = self._endpoints.known(endpoint).deployments.values()
        return web.json_response({"value": [one.shown() for one in held]})

    async def _get(self, request: web.Request, endpoint: str, name: str) -> web.Response:
        return web.json_response(self._known(endpoint, name)[1].shown())

    async def _put(self, request: web.Request, endpoint: str, name: str) -> web.Response:
        held, body = self._endpoints.known(endpoint), await request.json()
        check_idle(held)
        self._check(body)
        before = held.deployments.get(name)
        if before is None:
            made = system_data(self._twin.clock, request.get("claims"))
            deployment = held.deployments[name] = Deployment(endpoint, name, body, made)
            return self._working(request, deployment, status=201)
        return self._change(request, before, body)

    def _change(self, request: web.Request, held: Deployment, body: dict[str, Any]) -> web.Response:
        was = held.asked
        if body["properties"].get("instanceType") != was.get("instanceType"):
            raise bad_request("The instanceType of a deployment cannot be changed.", "Immutable")
        keys = {*body["properties"], *was} - SCALED
        is_new = any(body["properties"].get(key) != was.get(key) for key in keys)
        held.body, held.state = body, "Updating"
        if is_new or held.child is None:
            return self._working(request, held, status=200)
        held.state = "Succeeded"
        return web.json_response(held.shown())

    def _check(self, body: dict[str, Any]) -> None:
        """Raise ArmError for what the service refuses at once."""
        asked = body.get("properties") or {}
        if not asked.get("instanceType"):
            raise bad_request("A managed deployment needs an instanceType.")
        assets: Assets = self._servers.assets
        for key in ("environmentId", "model"):
            if asked.get(key):
                assets.by_id(asked[key])

    def _working(self, request: web.Request, held: Deployment, *, status: int) -> web.Response:
        def look() -> bool | None:
            if held.error is not None:
                raise held.error
            return held.is_settled or None

        held.error = None
        self._twin.spawn(self._bring_up(held))
        operation = self._operations.start("od", look)
        headers = self._operations.headers(request, operation)
        headers.pop("Location")
        return web.json_response(held.shown(), status=status, headers=headers)

    async def _bring_up(self, held: Deployment) -> None:
        try:
            self._check_quota(held)
            await self._servers.start(held)
        except ArmError as error:
            held.error, held.state = error, "Failed"
        except Exception as error:
            held.error = ArmError(400, "InternalServerError", f"Twin: {error!r}")
            held.state = "Failed"
            raise
        else:
            held.state = "Succeeded"
            self._tell(held)

    def _check_quota(self, held: Deployment) -> None:
        family = held.sku.family
        used, limit = self._capacity.cores(family), self._capacity.limit(family)
        if used > limit:
            raise ArmError(
                400,
                "OutOfQuota",
                f"Not enough quota available for {held.sku.name}: {held.cores} cores of {family} "
                f"are needed, and {used - held.cores} of {limit} are in use. Please see "
                "https://aka.ms/oe-tsg#error-outofquota",
            )

    def _tell(self, held: Deployment) -> None:
        self._twin.publish(
            "Microsoft.MachineLearningServices.ModelDeployed",
            {
                "ServiceName": held.endpoint,
                "ServiceComputeType": "Managed",
                "ModelIds": ":".join(str(held.asked.get("model") or "").rsplit("/", 3)[-3::2]),
                "ServiceTags": held.body.get("tags") or {},
                "ServiceProperties": {"deployment": held.name},
            },
        )

    async def _patch(self, request: web.Request, endpoint: str, name: str) -> web.Response:
        _, held = self._known(endpoint, name)
        body = await request.json()
        held.body.update({key: body[key] for key in ("tags", "sku") if body.get(key)})
        return web.json_response(held.shown())

    async def _delete(self, request: web.Request, endpoint: str, name: str) -> web.Response:
        try:
            held, deployment = self._known(endpoint, name)
        except ArmError:
            return web.Response(status=204)
        if held.traffic.get(name):
            raise bad_request(
                f"The deployment {name!r} still takes {held.traffic[name]} % of the traffic. Set "
                "it to 0 before you delete the deployment."
            )
        del held.deployments[name]
        held.traffic.pop(name, None)
        task = self._twin.spawn(self._servers.stop(deployment))
        operation = self._operations.start("od", lambda: task.done() or None)
        return self._operations.accepted(request, operation)

    async def _logs(self, request: web.Request, endpoint: str, name: str) -> web.Response:
        _, held = self._known(endpoint, name)
        asked = await request.json()
        if asked.get("containerType") == "StorageInitializer":
            return web.json_response({"content": "Downloaded the model.\n"})
        text = ""
        if held.log.is_file():
            text = held.log.read_text(encoding="utf-8", errors="replace")
        lines = text.splitlines(keepends=True)[-int(asked.get("tail") or 500) :]
        return web.json_response({"content": "".join(lines)})

    async def _skus(self, request: web.Request, endpoint: str, name: str) -> web.Response:
        self._known(endpoint, name)
        value = [{"resourceType": "", "sku": {"name": "Default", "tier": "Standard"}}]
        return web.json_response({"value": value})
