"""*.inference.ml.azure.com: who may score, which deployment answers, and its answer."""

import random

from aiohttp import ClientError, ClientTimeout, web
from multidict import CIMultiDict

from tests.azure_twin.actions import PROVIDER
from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.tokens import MACHINE_LEARNING, TokenError
from tests.azure_twin.roles import Roles
from tests.azure_twin.serving.endpoints import Endpoints
from tests.azure_twin.serving.record import Deployment, Endpoint

SCORE = f"{PROVIDER}/workspaces/onlineEndpoints/score/action"
DROPPED = {
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
}


class Inference:
    """`seed` makes the choice between deployments the same each time."""

    def __init__(
        self, twin: TwinContext, roles: Roles, endpoints: Endpoints, *, seed: int = 0
    ) -> None:
        self._twin = twin
        self._roles = roles
        self._endpoints = endpoints
        self._random = random.Random(seed)  # noqa: S311

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.host.split(".", 1)[0]
        endpoint = self._endpoints.held.get(name)
        if endpoint is None:
            return _refused(404, f"There is no endpoint {name}.")
        refused = self._check(request, endpoint)
        if refused is not None:
            return refused
        named = request.headers.get("azureml-model-deployment")
        deployment = self._chosen(endpoint, named)
        if deployment is None and named:
            return _refused(404, f"Specified deployment [{named}] could not be found.")
        if deployment is None:
            return _refused(404, "No deployment takes traffic.")
        return await self._score(request, deployment)

    def _check(self, request: web.Request, endpoint: Endpoint) -> web.Response | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            return _refused(401, "Authentication failed: the Authorization header is missing.")
        if endpoint.auth_mode.lower() == "key":
            return None if given in endpoint.keys else _refused(401, "The key is wrong.")
        try:
            claims = self._twin.tokens.verify(request, MACHINE_LEARNING)
        except TokenError as error:
            return _refused(401, str(error))
        if endpoint.auth_mode.lower() == "amltoken":
            is_ours = claims.raw.get("endpoint") == endpoint.name
            return None if is_ours else _refused(403, "The token is for another endpoint.")
        request["action"] = SCORE
        if self._roles.allows(claims, method="POST", path=request.path, action=SCORE):
            return None
        return _refused(403, "The identity may not score on this endpoint.")

    def _chosen(self, endpoint: Endpoint, named: str | None) -> Deployment | None:
        """Return the deployment that the request names, or one by traffic."""
        if named:
            return endpoint.deployments.get(named)
        shares = {name: share for name, share in endpoint.traffic.items() if share}
        if not shares:
            return None
        chosen = self._random.choices(list(shares), weights=list(shares.values()))[0]
        return endpoint.deployments.get(chosen)

    async def _score(self, request: web.Request, deployment: Deployment) -> web.Response:
        if deployment.child is None or not deployment.child.is_running:
            return _refused(503, f"The deployment {deployment.name} is not running.")
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in DROPPED
        )
        try:
            async with self._twin.http.request(
                request.method,
                f"http://127.0.0.1:{deployment.port}{self._path(request, deployment)}",
                headers=headers,
                data=await request.read(),
                skip_auto_headers=("Accept-Encoding",),
                timeout=ClientTimeout(total=120),
            ) as answer:
                body = await answer.read()
                kind = answer.headers.get("Content-Type", "application/json")
                return web.Response(
                    status=answer.status,
                    body=body,
                    headers={"Content-Type": kind, "azureml-model-deployment": deployment.name},
                )
        except (ClientError, OSError) as error:
            # What the service says when the container does not answer [doc].
            return _refused(502, f"Received an invalid response from the model server: {error}")

    def _path(self, request: web.Request, deployment: Deployment) -> str:
        """Return the server's path: `/score` stands for the scoring route of the environment."""
        if request.path != "/score":
            return request.path_qs
        environment_id = deployment.asked.get("environmentId")
        return self._endpoints.scoring_path(environment_id) if environment_id else "/score"


def _refused(status: int, message: str) -> web.Response:
    """Return a refusal; [guess] the body, the statuses are those of the documentation."""
    return web.json_response({"error": {"code": str(status), "message": message}}, status=status)
