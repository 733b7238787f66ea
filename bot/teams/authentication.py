"""Who may post activities: the verified channel, or, locally, only this machine."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import jwt
from botbuilder.schema import Activity
from botframework.connector.auth import (
    AuthenticateRequestResult,
    AuthenticationConstants,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
    UserTokenClient,
)
from typing_extensions import override

from bot.errors import ForbiddenError, SetupError, UnauthenticatedError
from bot.oidc import bearer_token, key_id_of
from bot.teams.activity import is_loopback, is_loopback_host
from bot.teams.keys import ChannelKey, SigningKeys

ISSUER: str = "https://api.botframework.com"
_LEEWAY_S = 300  # clocks may differ by five minutes, as in the SDK


class AppType(StrEnum):
    """How the bot is registered; multi-tenant registrations can no longer be made."""

    SINGLE_TENANT = "SingleTenant"
    USER_ASSIGNED_MSI = "UserAssignedMSI"


@dataclass(frozen=True)
class AppIdentity:
    """The bot's registration in Azure."""

    app_type: str
    app_id: str
    tenant_id: str

    def __post_init__(self) -> None:
        """Raise `SetupError` that names everything that is missing or not offered."""
        faults = []
        if self.app_type not in set(AppType):
            offered = " or ".join(AppType)
            faults.append(f"the app type is {self.app_type!r}, and must be {offered}")
        if not self.app_id:
            faults.append("the app id is missing")
        if not self.tenant_id:
            faults.append("the app's tenant id is missing")
        if faults:
            raise SetupError(f"The bot's registration cannot be used: {'; '.join(faults)}.")


class Doorkeeper(Protocol):
    """Decides whether an activity may come in."""

    async def admit(self, authorization: str, channel_id: str, service_url: str) -> dict[str, Any]:
        """Return the token's claims.

        Raises `UnauthenticatedError` for a missing or bad token, `ForbiddenError` when the token
        does not cover this service URL, `UnavailableError` when keys cannot be fetched.
        """


class LoopbackOnly:
    """Lets this machine in without a token; for the local profile, never beyond 127.0.0.1."""

    def __init__(self, host: str) -> None:
        if not is_loopback_host(host):
            raise SetupError(
                f"Without sign-in the bot listens on 127.0.0.1 only, and KRSP_HOST is {host!r}. "
                "Set KRSP_HOST=127.0.0.1, or use the azure profile."
            )

    async def admit(self, authorization: str, channel_id: str, service_url: str) -> dict[str, Any]:
        del authorization, channel_id
        if not is_loopback(service_url):
            raise ForbiddenError("Without sign-in, only conversations on this machine are served.")
        return {}


class TokenRequired:
    """Lets in what the Bot Framework's channel service signed for this bot.

    https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
    """

    def __init__(self, app: AppIdentity, keys: SigningKeys, *, issuer: str = ISSUER) -> None:
        self._app = app
        self._keys = keys
        self._issuer = issuer

    async def admit(self, authorization: str, channel_id: str, service_url: str) -> dict[str, Any]:
        token = bearer_token(authorization)
        key = await self._keys.find(key_id_of(token))
        claims = self._verified(token, key)
        if channel_id not in key.endorsements:
            raise UnauthenticatedError("The token's key may not speak for this channel.")
        if str(claims.get("serviceurl", "")).rstrip("/") != service_url.rstrip("/"):
            raise ForbiddenError("The activity's service URL is not the token's.")
        return claims

    def _verified(self, token: str, key: ChannelKey) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=self._app.app_id,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            # The exception's text may quote the token's claims.
            raise UnauthenticatedError(
                f"The token is not valid ({type(error).__name__})."
            ) from error
        return claims


class ChannelAuthentication(BotFrameworkAuthentication):
    """The SDK's door with our keeper: its own one blocks, and lets unendorsed keys pass.

    It hands out no connector, since nothing may be sent by the SDK's blocking pipeline.
    """

    def __init__(self, keeper: Doorkeeper) -> None:
        self._keeper = keeper

    @override
    async def authenticate_request(
        self, activity: Activity, auth_header: str
    ) -> AuthenticateRequestResult:
        claims = await self._keeper.admit(
            auth_header or "", activity.channel_id, activity.service_url
        )
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(
            claims,
            is_authenticated=True,
            authentication_type=None if claims else AuthenticationConstants.ANONYMOUS_AUTH_TYPE,
        )
        result.audience = AuthenticationConstants.TO_CHANNEL_FROM_BOT_OAUTH_SCOPE
        result.connector_factory = _NoConnector()
        return result

    @override
    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        raise ForbiddenError("Streaming connections are not served.")

    @override
    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        return _NoConnector()

    @override
    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> UserTokenClient:
        return None


class _NoConnector(ConnectorFactory):
    """Fills the SDK's turn, which insists on a connector, with one that can do nothing."""

    @override
    async def create(self, service_url: str, audience: str) -> object:
        return object()
