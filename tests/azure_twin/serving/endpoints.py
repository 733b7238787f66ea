"""HTTP of online endpoints: create, traffic, keys, delete."""

import asyncio
import secrets
from typing import Any

from aiohttp import web

from tests.azure_twin.arm.errors import ArmError, bad_request, not_found
from tests.azure_twin.arm.operations import Operations
from tests.azure_twin.arm.resource import system_data
from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.tokens import MACHINE_LEARNING
from tests.azure_twin.routes import Routes
from tests.azure_twin.serving.launch import routes_of
from tests.azure_twin.serving.record import Endpoint, check_traffic
from tests.azure_twin.serving.servers import Servers

AUTH_MODES = {"key", "amltoken", "aadtoken"}
TOKEN_LIFETIME_S = 3600
CREATING_S = 0.3


class Endpoints:
    """`held` is shared with the deployments and with scoring."""

    def __init__(self, twin: TwinContext, servers: Servers, operations: Operations) -> None:
        self._twin = twin
        self._servers = servers
        self._operations = operations
        self.held: dict[str, Endpoint] = {}

    def add_to(self, routes: Routes) -> None:
        base = "/onlineEndpoints/{endpoint}"
        routes.add("GET", "/onlineEndpoints", self._list)
        routes.add("GET", base, self._get)
        routes.add("PUT", base, self._put)
        routes.add("PATCH", base, self._patch)
        routes.add("DELETE", base, self._delete)
        routes.add("POST", f"{base}/listKeys", self._keys)
        routes.add("POST", f"{base}/regenerateKeys", self._regenerate)
        routes.add("POST", f"{base}/token", self._token)

    def known(self, name: str) -> Endpoint:
        found = self.held.get(name)
        if found is None:
            raise not_found(f"The endpoint {name!r}")
        return found

    def scoring_path(self, environment_id: str) -> str:
        """Return the path that `/score` of an endpoint stands for."""
        environment = self._servers.assets.by_id(environment_id)["properties"]
        return str(routes_of(environment)["scoringRoute"]["path"])

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"value": [one.shown() for one in self.held.values()]})

    async def _get(self, request: web.Request, endpoint: str) -> web.Response:
        return web.json_response(self.known(endpoint).shown())

    async def _put(self, request: web.Request, endpoint: str) -> web.Response:
        body = await request.json()
        mode = str((body.get("properties") or {}).get("authMode") or "")
        if mode.lower() not in AUTH_MODES:
            raise bad_request(f"The endpoint's authMode cannot be {mode!r}.")
        held = self.held.get(endpoint)
        if held is None:
            made = system_data(self._twin.clock, request.get("claims"))
            held = Endpoint(endpoint, body, made)
            check_traffic(held, self._asked_traffic(body))
            self.held[endpoint] = held
            return self._working(request, held, status=201)
        check_idle(held)
        if mode.lower() != held.auth_mode.lower():
            raise bad_request("The authMode of an endpoint cannot be changed.", "Immutable")
        traffic = self._asked_traffic(body)
        check_traffic(held, traffic)
        held.body, held.traffic, held.state = body, traffic, "Updating"
        return self._working(request, held, status=200)

    def _asked_traffic(self, body: dict[str, Any]) -> dict[str, int]:
        return {
            name: int(share) for name, share in (body["properties"].get("traffic") or {}).items()
        }

    def _working(self, request: web.Request, held: Endpoint, *, status: int) -> web.Response:
        """Answer at once, and be done a moment later."""

        async def work() -> None:
            await asyncio.sleep(CREATING_S)
            held.state = "Succeeded"

        self._twin.spawn(work())
        operation = self._operations.start("oe", lambda: held.state == "Succeeded" or None)
        headers = self._operations.headers(request, operation)
        headers.pop("Location")
        return web.json_response(held.shown(), status=status, headers=headers)

    async def _patch(self, request: web.Request, endpoint: str) -> web.Response:
        held = self.known(endpoint)
        held.body["tags"] = (await request.json()).get("tags") or {}
        return web.json_response(held.shown())

    async def _delete(self, request: web.Request, endpoint: str) -> web.Response:
        if endpoint not in self.held:
            return web.Response(status=204)
        held = self.held.pop(endpoint)
        gone = [self._servers.stop(one) for one in held.deployments.values()]
        task = self._twin.spawn(_all(gone))
        operation = self._operations.start("oe", lambda: task.done() or None)
        return self._operations.accepted(request, operation)

    async def _keys(self, request: web.Request, endpoint: str) -> web.Response:
        held = self.known(endpoint)
        if held.auth_mode.lower() != "key":
            raise bad_request(f"The endpoint {endpoint!r} has no keys.")
        primary, secondary = held.keys
        return web.json_response({"primaryKey": primary, "secondaryKey": secondary})

    async def _regenerate(self, request: web.Request, endpoint: str) -> web.Response:
        held, body = self.known(endpoint), await request.json()
        held.keys[0 if body.get("keyType") == "Primary" else 1] = secrets.token_urlsafe(24)
        operation = self._operations.start("oe", lambda: True)
        return self._operations.accepted(request, operation)

    async def _token(self, request: web.Request, endpoint: str) -> web.Response:
        held = self.known(endpoint)
        if held.auth_mode.lower() == "key":
            raise bad_request(f"The endpoint {endpoint!r} gives no tokens.")
        claims = request["claims"]
        token = self._twin.tokens.mint(
            MACHINE_LEARNING,
            lifetime_s=TOKEN_LIFETIME_S,
            appid=claims.client_id,
            oid=claims.oid,
            endpoint=endpoint,
        )
        now = int(self._twin.clock.seconds())
        body = {
            "accessToken": token,
            "expiryTimeUtc": now + TOKEN_LIFETIME_S,
            "refreshAfterTimeUtc": now + TOKEN_LIFETIME_S // 2,
            "tokenType": "Bearer",
        }
        return web.json_response(body)


def check_idle(endpoint: Endpoint) -> None:
    """Raise ArmError while another change of the endpoint or its deployments is going on."""
    busy = [one.name for one in endpoint.deployments.values() if not one.is_settled]
    if busy or endpoint.state in {"Creating", "Updating"}:
        raise ArmError(
            409,
            "Conflict",
            f"Another operation is in progress on the endpoint {endpoint.name!r}"
            f"{': ' + ', '.join(busy) if busy else ''}. Wait until it is done and try again.",
            inner=("Conflict", "AnotherOperationInProgress"),
        )


async def _all(work: list[Any]) -> None:
    await asyncio.gather(*work)
