"""login.microsoftonline.com: discovery, keys, tokens and sign-in."""

from collections.abc import Mapping

from aiohttp import web

from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.assertions import authenticate
from tests.azure_twin.entra.directory import Application, application_claims
from tests.azure_twin.entra.errors import EntraError, unknown_application, unknown_tenant
from tests.azure_twin.entra.signin import SignIn
from tests.azure_twin.entra.tokens import ENTRA_V1, ENTRA_V2
from tests.azure_twin.routes import Routes
from tests.azure_twin.world import EXCHANGE_AUDIENCE, TENANT

HOST = "https://login.microsoftonline.com"
# The tenant's own names, the authorities that stand for any, and the Bot Framework's old one.
TENANTS = {
    TENANT,
    "krsp-lab.onmicrosoft.com",
    "organizations",
    "common",
    "botframework.com",
}


class Entra:
    """Answers for the host; also on loopback, where a person's browser can reach `/authorize`."""

    def __init__(self, twin: TwinContext) -> None:
        self._twin = twin
        self.sign_in = SignIn(twin.directory, twin.tokens, twin.clock)
        self.authorize_host = HOST  # the loopback address, where people's browsers have no proxy
        self._routes = Routes()
        add = self._routes.add
        add("GET", "/common/discovery/instance", self._instance)
        add("GET", "/{tenant}/v2.0/.well-known/openid-configuration", self._configuration)
        add("GET", "/{tenant}/discovery/v2.0/keys", self._keys)
        add("GET", "/{tenant}/discovery/keys", self._keys)
        add("GET", "/{tenant}/oauth2/v2.0/authorize", self._authorize)
        add("POST", "/{tenant}/oauth2/v2.0/token", self._token)
        add("GET", "/{tenant}/oauth2/v2.0/logout", self._logout)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        found = self._routes.find(request.method, request.path)
        if found is None:
            return web.json_response({"error": "not_found"}, status=404)
        handler, values = found
        try:
            tenant = values.get("tenant", TENANT).lower()
            if tenant not in TENANTS:
                raise unknown_tenant(values["tenant"])
            return await handler(request)
        except EntraError as error:
            return error.answer(self._twin.clock.stamp())

    async def _instance(self, request: web.Request) -> web.Response:
        aliases = ["login.microsoftonline.com", "login.windows.net", "sts.windows.net"]
        body = {
            "tenant_discovery_endpoint": f"{HOST}/{TENANT}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [
                {
                    "preferred_network": "login.microsoftonline.com",
                    "preferred_cache": "login.windows.net",
                    "aliases": aliases,
                }
            ],
        }
        return web.json_response(body)

    async def _configuration(self, request: web.Request) -> web.Response:
        base = f"{HOST}/{TENANT}"
        body = {
            "issuer": ENTRA_V2,
            "authorization_endpoint": f"{self.authorize_host}/{TENANT}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{self.authorize_host}/{TENANT}/oauth2/v2.0/logout",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code", "id_token", "code id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "oid", "tid"],
            "tenant_region_scope": "EU",
        }
        return web.json_response(body)

    async def _keys(self, request: web.Request) -> web.Response:
        jwks = self._twin.tokens.signer(ENTRA_V1).jwks()
        return web.json_response({"keys": [{**key, "issuer": ENTRA_V2} for key in jwks["keys"]]})

    async def _authorize(self, request: web.Request) -> web.Response:
        return self.sign_in.authorize(self._named(request.query), request.query)

    async def _logout(self, request: web.Request) -> web.Response:
        self._twin.directory.signed_in = None
        target = request.query.get("post_logout_redirect_uri")
        if target:
            return web.Response(status=302, headers={"Location": target})
        return web.Response(text="You signed out of your account")

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        application = self._named(form)
        authenticate(application, form, self._twin.tokens)
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return web.json_response(self._application_token(application, form.get("scope", "")))
        if grant == "authorization_code":
            return web.json_response(self.sign_in.exchange(application, form))
        if grant == "refresh_token":
            return web.json_response(self.sign_in.renew(application, form))
        raise EntraError(
            70003,
            f"The app requested an unsupported grant type '{grant}'.",
            error="invalid_request",
        )

    def _named(self, values: Mapping[str, str]) -> Application:
        client_id = values.get("client_id", "")
        application = self._twin.directory.application(client_id)
        if application is None:
            raise unknown_application(client_id)
        return application

    def _application_token(self, application: Application, scope: str) -> dict[str, object]:
        asked = scope.split()
        if len(asked) != 1 or not asked[0].endswith("/.default"):
            raise EntraError(
                1002012,
                f"The provided value for scope {scope} is not valid. Client credential flows must "
                "have a scope value with /.default suffixed to the resource identifier.",
                error="invalid_request",
            )
        audience = asked[0].removesuffix("/.default")
        lifetime = int(self._twin.tokens.lifetime_s)
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": mint_for(self._twin, application, audience),
        }


def mint_for(twin: TwinContext, application: Application, audience: str) -> str:
    """Return a token of the application itself for `audience`."""
    # A token that is shown in place of a secret is of version 2.0.
    issuer = ENTRA_V2 if audience == EXCHANGE_AUDIENCE else ENTRA_V1
    return twin.tokens.mint(audience, issuer=issuer, **application_claims(application, audience))
