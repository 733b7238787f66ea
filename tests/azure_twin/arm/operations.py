"""Long-running operations: where a client asks whether its request is done."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.azure_twin.arm.errors import ArmError, not_found
from tests.azure_twin.clock import Clock
from tests.azure_twin.routes import Routes
from tests.azure_twin.world import REGION, SUBSCRIPTION

PROVIDER = "Microsoft.MachineLearningServices"
BASE = f"/subscriptions/{SUBSCRIPTION}/providers/{PROVIDER}/locations/{REGION}"
RETRY_AFTER_S = "1"


@dataclass
class Operation:
    """`look` returns None while it runs, True when it is done; it raises ArmError for a failure."""

    id: str
    started: str
    look: Callable[[], bool | None]


@dataclass
class Operations:
    clock: Clock
    _held: dict[str, Operation] = field(default_factory=dict)

    def start(self, prefix: str, look: Callable[[], bool | None]) -> Operation:
        made = Operation(f"{prefix}:{uuid.uuid4()}", self.clock.stamp(), look)
        self._held[made.id] = made
        return made

    def add_to(self, routes: Routes) -> None:
        routes.add("GET", f"{BASE}/mfeOperationsStatus/{{operation}}", self._status)
        routes.add("GET", f"{BASE}/mfeOperationResults/{{operation}}", self._result)

    async def _status(self, request: web.Request, operation: str) -> web.Response:
        held = self._known(operation)
        body: dict[str, Any] = {
            "id": request.path,
            "name": held.id,
            "startTime": held.started,
            "percentComplete": 0.0,
        }
        try:
            if held.look() is None:
                running = {**body, "status": "InProgress"}
                return web.json_response(running, headers={"Retry-After": RETRY_AFTER_S})
        except ArmError as error:
            return web.json_response(
                {**body, "status": "Failed", "endTime": self.clock.stamp(), **error.body()}
            )
        done = {"status": "Succeeded", "endTime": self.clock.stamp(), "percentComplete": 100.0}
        return web.json_response({**body, **done})

    async def _result(self, request: web.Request, operation: str) -> web.Response:
        held = self._known(operation)
        if held.look() is None:
            location = f"https://management.azure.com{request.path_qs}"
            headers = {"Location": location, "Retry-After": RETRY_AFTER_S}
            return web.Response(status=202, headers=headers)
        return web.Response(status=200)

    def _known(self, operation: str) -> Operation:
        found = self._held.get(operation)
        if found is None:
            raise not_found(f"The operation {operation!r}")
        return found

    def accepted(self, request: web.Request, operation: Operation) -> web.Response:
        """Return 202 with the address of the result: deletes and cancels."""
        return web.Response(status=202, headers=self.headers(request, operation))

    def headers(self, request: web.Request, operation: Operation) -> dict[str, str]:
        version = request.query["api-version"]
        base = f"https://management.azure.com{BASE}"
        return {
            "Location": f"{base}/mfeOperationResults/{operation.id}?api-version={version}",
            "Azure-AsyncOperation": (
                f"{base}/mfeOperationsStatus/{operation.id}?api-version={version}"
            ),
            "Retry-After": RETRY_AFTER_S,
            "x-ms-async-operation-timeout": "PT1H",
        }
