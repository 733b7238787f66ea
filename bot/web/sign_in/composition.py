"""Which door a profile has, made from its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

from pydantic import SecretStr
from yarl import URL

from bot.errors import SetupError
from bot.oidc import Provider, TokenVerifier
from bot.ports import Clock
from bot.ports.directory import Directory
from bot.web.sign_in.attempts import Attempts
from bot.web.sign_in.bearers import Bearers
from bot.web.sign_in.code_flow import CodeFlow
from bot.web.sign_in.entra import CALLBACK, EntraDoor, Once
from bot.web.sign_in.identity import Door
from bot.web.sign_in.picked import PickedDoor, Picking
from bot.web.sign_in.proofs import (
    CertificateProof,
    Credential,
    FileProof,
    IdentityProof,
    Proof,
    SecretProof,
)
from bot.web.sign_in.roles import Roles
from bot.web.sign_in.secret import SECRET_BYTES, load_secret
from bot.web.sign_in.sessions import CookieRules, Sessions

# Where Kubernetes and Azure Arc put the token of a service account that Entra trusts.
TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - a variable's name


class SignInSettings(Protocol):
    """What of `bot.settings.Settings` decides about signing in."""

    @property
    def profile(self) -> Literal["local", "azure"]: ...
    @property
    def public_url(self) -> str: ...
    @property
    def home(self) -> Path: ...
    @property
    def sign_in(self) -> Literal["entra", "off"]: ...
    @property
    def authority(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def bot_app_id(self) -> str: ...
    @property
    def credential(self) -> str: ...
    @property
    def identity_client_id(self) -> str: ...
    @property
    def certificate_file(self) -> Path | None: ...
    @property
    def client_secret(self) -> SecretStr: ...
    @property
    def session_key(self) -> SecretStr: ...
    @property
    def session_hours(self) -> float: ...
    @property
    def role_hours(self) -> float: ...
    @property
    def service_clients(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Around:
    """What the door acts on; `identity` is the bot's managed or workload identity, if any."""

    directory: Directory
    once: Once
    clock: Clock
    identity: Credential | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def sign_in_of(settings: SignInSettings, around: Around) -> Door:
    """Return the profile's door. Raises `SetupError` for settings that would leave it open."""
    secret = _secret(settings)
    is_https = settings.public_url.startswith("https:")
    if settings.profile == "local":
        return PickedDoor(Picking(secret, around.directory, around.clock.now, is_https))
    if settings.sign_in != "entra":
        raise SetupError(
            "The azure profile does not start with sign-in off; use KRSP_SIGN_IN=entra."
        )
    return _entra(settings, around, CookieRules(secret, around.clock.now, is_https))


def issuer_of(settings: SignInSettings) -> str:
    """Return who signs the tenant's tokens (of version 2.0)."""
    return f"{settings.authority}/{settings.tenant_id.lower()}/v2.0"


def verifier_of(settings: SignInSettings, provider: Provider, clock: Clock) -> TokenVerifier:
    """Return what checks tokens that are sent to the bot's API, of either version.

    Which version a service gets is decided by the registration, and old ones still say 1.0.
    """
    app, host = settings.bot_app_id.lower(), URL(settings.public_url).host
    return TokenVerifier(
        issuers=frozenset(
            {issuer_of(settings), f"https://sts.windows.net/{settings.tenant_id.lower()}/"}
        ),
        audiences=frozenset({app, f"api://{app}", f"api://{host}/{app}"}),
        keys=provider,
        now=clock.now,
    )


def _secret(settings: SignInSettings) -> bytes:
    """Return what protects cookies; a home's own secret is good for one replica."""
    given = settings.session_key.get_secret_value().encode()
    if not given:
        return load_secret(settings.home.resolve())
    if len(given) < SECRET_BYTES:
        raise SetupError(f"KRSP_SESSION_KEY must have {SECRET_BYTES} bytes or more.")
    return given


def _entra(settings: SignInSettings, around: Around, rules: CookieRules) -> EntraDoor:
    issuer, tenant = issuer_of(settings), settings.tenant_id.lower()
    provider = Provider(issuer, around.clock)
    app = settings.bot_app_id.lower()
    roles = Roles(tenant, around.directory, timedelta(hours=settings.role_hours))
    return EntraDoor(
        roles=roles,
        once=around.once,
        sessions=Sessions(rules, timedelta(hours=settings.session_hours)),
        attempts=Attempts(rules),
        public_url=settings.public_url,
        now=around.clock.now,
        flow=CodeFlow(
            client_id=app,
            redirect_uri=settings.public_url + CALLBACK,
            provider=provider,
            verifier=TokenVerifier(
                frozenset({issuer}), frozenset({app}), provider, around.clock.now
            ),
            proof=_proof(settings, around),
        ),
        bearers=Bearers(
            verifier=verifier_of(settings, provider, around.clock),
            issuer=issuer,
            services=frozenset(client.lower() for client in settings.service_clients),
            roles=roles,
            now=around.clock.now,
        ),
    )


def _proof(settings: SignInSettings, around: Around) -> Proof:
    """Return how the bot proves who it is to Entra; see KRSP_CREDENTIAL."""
    if settings.credential == "client_secret":
        return SecretProof(settings.client_secret.get_secret_value())
    if settings.credential == "certificate" and settings.certificate_file is not None:
        return CertificateProof(
            settings.bot_app_id.lower(), settings.certificate_file, around.clock.now
        )
    token_file = around.environment.get(TOKEN_FILE)
    if (
        settings.credential == "workload_identity"
        and not settings.identity_client_id
        and token_file
    ):
        return FileProof(Path(token_file))
    if around.identity is None:
        raise SetupError(
            f"KRSP_CREDENTIAL={settings.credential} needs an identity, and the bot was given none."
        )
    return IdentityProof(around.identity)
