"""Who the bot is in Azure, and its access tokens."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, assert_never

from azure.core.credentials import AccessToken, TokenCredential
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from pydantic import SecretStr

from bot.adapters.azure.faults import ENTRA, clean, wrapped
from bot.errors import AccessError

DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"  # Azure DevOps in every tenant
ARM_SCOPE = "https://management.azure.com/.default"  # also MLflow's, in a workspace
STORAGE_SCOPE = "https://storage.azure.com/.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default"
POSTGRES_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"

# Entra answers within a second; a sweep must not hang on a dead one.
_PATIENCE: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 10, "retry_total": 1}

Kind = Literal["managed_identity", "workload_identity", "certificate", "client_secret"]


class IdentitySettings(Protocol):
    """The settings that say who the bot is; `bot.settings.Settings` has them."""

    @property
    def credential(self) -> Kind: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def bot_app_id(self) -> str: ...
    @property
    def identity_client_id(self) -> str: ...
    @property
    def certificate_file(self) -> Path | None: ...
    @property
    def client_secret(self) -> SecretStr: ...


@dataclass(frozen=True)
class Identity:
    """One identity and what it proves itself with."""

    kind: Kind
    tenant_id: str
    client_id: str
    certificate_file: Path | None = None
    client_secret: SecretStr = field(default=SecretStr(""), repr=False)

    @classmethod
    def of(cls, settings: IdentitySettings) -> "Identity":
        """Return the bot's identity: its own client id, else that of the app registration."""
        return cls(
            settings.credential,
            settings.tenant_id,
            settings.identity_client_id or settings.bot_app_id,
            settings.certificate_file,
            settings.client_secret,
        )

    @property
    def words(self) -> str:
        """Return how sentences call it."""
        return f"the bot's identity (client id {self.client_id})"

    def credential(self) -> TokenCredential:
        """Return a new blocking credential, with an empty cache of tokens."""
        tenant, client, kind = self.tenant_id, self.client_id, self.kind
        if kind == "managed_identity":
            return ManagedIdentityCredential(client_id=client, **_PATIENCE)
        if kind == "workload_identity":
            return WorkloadIdentityCredential(tenant_id=tenant, client_id=client, **_PATIENCE)
        if kind == "certificate":
            path = str(self.certificate_file)
            return CertificateCredential(tenant, client, certificate_path=path, **_PATIENCE)
        if kind == "client_secret":
            secret = self.client_secret.get_secret_value()
            return ClientSecretCredential(tenant, client, secret, **_PATIENCE)
        assert_never(kind)

    def for_coroutines(self) -> "AppCredential":
        """Return a new credential for coroutines, with an empty cache of tokens."""
        return AppCredential(self.credential)

    def of_app(self, app_id: str) -> "AppCredential":
        """Return how this identity speaks for an app registration that trusts it.

        Where both are one, as itself; a managed or workload identity shows the registration a
        token of its own (federated credential), so that no secret is needed.
        """
        if app_id.lower() == self.client_id.lower():
            return self.for_coroutines()
        return AppCredential(lambda: self._federated(app_id))

    def _federated(self, app_id: str) -> TokenCredential:
        own = self.credential()
        return ClientAssertionCredential(
            self.tenant_id, app_id, lambda: own.get_token(EXCHANGE_SCOPE).token, **_PATIENCE
        )


class AppCredential:
    """A credential for coroutines: made and asked in a thread, kept with its cache of tokens."""

    def __init__(self, make: Callable[[], TokenCredential]) -> None:
        self._make = make
        self._credential: TokenCredential | None = None

    async def get_token(self, *scopes: str) -> AccessToken:
        """Return a token for the scopes; raises what azure-identity raises."""
        return await asyncio.to_thread(self._token, *scopes)

    def _token(self, *scopes: str) -> AccessToken:
        if self._credential is None:
            self._credential = self._make()
        return self._credential.get_token(*scopes)


class Tokens:
    """Access tokens of one identity for blocking calls; from any thread.

    azure-identity keeps a token for each scope and renews it five minutes before its end, so ask
    here for each request and keep none.
    """

    def __init__(
        self, identity: Identity, make: Callable[[Identity], TokenCredential] | None = None
    ) -> None:
        self.identity = identity
        self._make = make or Identity.credential
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None

    @property
    def credential(self) -> TokenCredential:
        """Return the credential, for the SDKs that ask it themselves."""
        with self._lock:
            if self._credential is None:
                try:
                    self._credential = self._make(self.identity)
                except (ValueError, OSError) as error:  # no certificate, no federated token's file
                    said = clean(str(error)).rstrip(".")
                    raise AccessError(
                        f"Could not {_DOING}: {said}. Check KRSP_CREDENTIAL and what it needs."
                    ) from error
            return self._credential

    def token(self, scope: str) -> str:
        """Return a token; raises `AccessError`, `UnavailableError`."""
        credential = self.credential
        try:
            return credential.get_token(scope).token
        except Exception as error:  # whatever a credential raises is told in a sentence
            raise wrapped(error, _DOING, ENTRA, self.identity.words) from error

    async def database_password(self) -> str:
        """Return what a PostgreSQL server takes for a password: a fresh token."""
        return await asyncio.to_thread(self.token, POSTGRES_SCOPE)

    def forget(self) -> None:
        """Drop all tokens, because one was refused."""
        with self._lock:
            self._credential = None


_DOING = "sign the bot in"
