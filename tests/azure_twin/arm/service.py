"""management.azure.com: tokens, permissions and versions are checked before any resource."""

import re

from aiohttp import web

from tests.azure_twin import world
from tests.azure_twin.actions import arm_action
from tests.azure_twin.arm.errors import ArmError
from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.tokens import MANAGEMENT, TokenError
from tests.azure_twin.roles import Roles, denial
from tests.azure_twin.routes import Routes

CHALLENGE = (
    f'Bearer authorization_uri="https://login.microsoftonline.com/{world.TENANT}", '
    'error="invalid_token", error_description="{}"'
)
CODES = {
    "missing": (
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
    ),
    "expired": ("ExpiredAuthenticationToken", "The access token expiry is in the past."),
    "audience": (
        "InvalidAuthenticationTokenAudience",
        "The access token has been obtained for wrong audience or resource.",
    ),
    "issuer": ("InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer."),
}
_WORKSPACE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/(?P<name>[^/]+)(?P<rest>/.*)?",
    re.IGNORECASE,
)
LISTS = re.compile(
    r"/subscriptions/[^/]+(?:/resourceGroups/[^/]+)?/providers/"
    r"Microsoft\.MachineLearningServices/workspaces",
    re.IGNORECASE,
)


class Arm:
    """`inside` are the routes below the workspace, `outside` those of subscription and region."""

    def __init__(self, twin: TwinContext, roles: Roles, *, inside: Routes, outside: Routes) -> None:
        self._twin = twin
        self._roles = roles
        self._inside = inside
        self._outside = outside

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/metadata/endpoints":
            return web.json_response(CLOUDS)
        try:
            self.authorize(request, arm_action(request.method, request.path))
            if "api-version" not in request.query:
                raise ArmError(
                    400,
                    "MissingApiVersionParameter",
                    "The api-version query parameter (?api-version=) is required for all requests.",
                )
            return await self._route(request)
        except ArmError as error:
            return error.answer()

    def authorize(self, request: web.Request, action: str | None) -> None:
        """Raise ArmError unless the bearer may do what is asked."""
        try:
            claims = self._twin.tokens.verify(request, MANAGEMENT)
        except TokenError as error:
            usual = ("InvalidAuthenticationToken", f"The access token is invalid. {error}")
            code, message = CODES.get(error.reason, usual)
            headers = {"WWW-Authenticate": CHALLENGE.format(message)}
            raise ArmError(401, code, message, headers=headers) from error
        request["action"] = action
        if action is None:
            raise ArmError(404, "InvalidResourceType", f"The twin has no {request.path}.")
        if not self._roles.allows(claims, method=request.method, path=request.path, action=action):
            raise ArmError(403, "AuthorizationFailed", denial(claims, action, request.path))

    async def _route(self, request: web.Request) -> web.StreamResponse:
        found = _WORKSPACE.fullmatch(request.path)
        if found is None:
            return await self._elsewhere(request)
        ours = (world.SUBSCRIPTION, world.RESOURCE_GROUP, world.WORKSPACE)
        asked = (found["subscription"], found["group"], found["name"])
        if tuple(map(str.lower, asked)) != ours:
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.MachineLearningServices/workspaces/{found['name']}' "
                f"under resource group '{found['group']}' was not found. For more details please "
                "go to https://aka.ms/ARMResourceNotFoundFix",
            )
        return await _answer(self._inside, request, found["rest"] or "")

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        if LISTS.fullmatch(request.path):
            handler, _ = self._inside.find("GET", "") or (None, {})
            assert handler is not None
            one = await handler(request)
            assert isinstance(one, web.Response)
            return web.Response(text=f'{{"value": [{one.text}]}}', content_type="application/json")
        return await _answer(self._outside, request, request.path)


async def _answer(routes: Routes, request: web.Request, path: str) -> web.StreamResponse:
    found = routes.find(request.method, path)
    if found is None:
        raise ArmError(404, "NotFound", f"The twin has no {request.method} {request.path}.")
    handler, values = found
    return await handler(request, **values)


CLOUDS = [
    {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": "https://graph.windows.net/",
        "suffixes": {"storage": "core.windows.net", "keyVaultDns": "vault.azure.net"},
        "resourceManager": "https://management.azure.com/",
    }
]
