"""login.botframework.com: the keys with which a channel signs what it sends to a bot."""

from typing import Any

from aiohttp import web

from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.tokens import BOT_FRAMEWORK
from tests.azure_twin.world import BOT_APP

KEYS = "https://login.botframework.com/v1/.well-known/keys"


class BotFramework:
    def __init__(self, twin: TwinContext) -> None:
        self._twin = twin
        twin.commands["botframework.token"] = self._mint

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/.well-known/openidconfiguration":
            body = {
                "issuer": BOT_FRAMEWORK,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": KEYS,
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
            return web.json_response(body)
        if request.path == "/v1/.well-known/keys":
            jwks = self._twin.tokens.signer(BOT_FRAMEWORK).jwks()
            endorsed = [{**key, "endorsements": ["msteams", "emulator"]} for key in jwks["keys"]]
            return web.json_response({"keys": endorsed})
        return web.json_response({"error": "not_found"}, status=404)

    async def _mint(self, values: dict[str, Any]) -> str:
        """Return a token as the channel sends it with an activity for the bot."""
        return self._twin.tokens.mint(
            BOT_APP, issuer=BOT_FRAMEWORK, serviceurl=values["service_url"]
        )
