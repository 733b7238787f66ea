"""Managed identity endpoints on loopback, as Container Apps and Azure ML offer them."""

from aiohttp import web

from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.directory import Application
from tests.azure_twin.entra.service import mint_for


class ManagedIdentity:
    """`/identity/{id}` speaks App Service's dialect, `/msi/{id}` Azure ML's (azure-identity 1.27).

    The id in the path is the identity that the host has by default. One that is named in the
    query must be the same: a process gets no identity that was not assigned to it.
    """

    def __init__(self, twin: TwinContext) -> None:
        self._twin = twin

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/identity/{client_id}", self._app_service)
        app.router.add_get("/msi/{client_id}", self._machine_learning)

    async def _app_service(self, request: web.Request) -> web.Response:
        if request.headers.get("X-IDENTITY-HEADER") != self._twin.identity_secret:
            return _refused(403, "The X-IDENTITY-HEADER is not this host's.")
        if request.query.get("api-version") != "2019-08-01":
            return _refused(400, "Unsupported api-version.")
        return self._token(request, named=request.query.get("client_id"))

    async def _machine_learning(self, request: web.Request) -> web.Response:
        if request.headers.get("secret") != self._twin.identity_secret:
            return _refused(403, "The secret is not this node's.")
        if request.query.get("api-version") != "2017-09-01":
            return _refused(400, "Unsupported api-version.")
        return self._token(request, named=request.query.get("clientid"))

    def _token(self, request: web.Request, *, named: str | None) -> web.Response:
        assigned = request.match_info["client_id"]
        application = self._assigned(assigned, named)
        if application is None:
            return _refused(400, f"No managed identity {named or assigned} is assigned here.")
        resource = request.query.get("resource", "").removesuffix("/.default")
        if not resource:
            return _refused(400, "The resource is missing.")
        twin = self._twin
        body = {
            "access_token": mint_for(twin, application, resource),
            # As Azure ML and App Service on Linux have it: epoch seconds, as text.
            "expires_on": str(int(twin.clock.seconds() + twin.tokens.lifetime_s)),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": application.client_id,
        }
        return web.json_response(body)

    def _assigned(self, assigned: str, named: str | None) -> Application | None:
        if named is not None and named.lower() != assigned.lower():
            return None
        return self._twin.directory.application(assigned)


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
