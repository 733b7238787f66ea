"""How the bot proves to Entra that it is itself, without a secret where that is possible.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

import asyncio
import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typing_extensions import override

from bot.errors import SetupError, UnavailableError

EXCHANGE = "api://AzureADTokenExchange/.default"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LASTS = timedelta(minutes=5)
_TIMEOUT_S = 10.0


class AccessToken(Protocol):
    """What azure-identity returns."""

    @property
    def token(self) -> str: ...


class Credential(Protocol):
    """An `azure.identity.aio` credential of a managed or workload identity."""

    async def get_token(self, *scopes: str) -> AccessToken:
        """Return a token for the scopes."""


class Proof(Protocol):
    """What goes along with a request to the token endpoint."""

    async def fields(self, endpoint: str) -> Mapping[str, str]:
        """Return form fields beside `client_id`; raises `SetupError`, `UnavailableError`."""


@dataclass(frozen=True)
class SecretProof(Proof):
    """A shared secret, where nothing else can be had."""

    secret: str

    @override
    async def fields(self, endpoint: str) -> Mapping[str, str]:
        return {"client_secret": self.secret}


@dataclass(frozen=True)
class IdentityProof(Proof):
    """The bot's managed identity, which the app registration trusts (federated credential)."""

    credential: Credential

    @override
    async def fields(self, endpoint: str) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                token = await self.credential.get_token(EXCHANGE)
        except Exception as error:
            raise UnavailableError(
                "The bot's own identity gives no token just now, so nobody can sign in. "
                f"Try again in a minute ({type(error).__name__})."
            ) from error
        return _assertion(token.token)


@dataclass(frozen=True)
class FileProof(Proof):
    """The token that Kubernetes renews in a file, where it federates the registration itself."""

    path: Path

    @override
    async def fields(self, endpoint: str) -> Mapping[str, str]:
        try:
            return _assertion(await asyncio.to_thread(self.path.read_text, "ascii"))
        except (OSError, ValueError) as error:
            raise SetupError(f"The token in {self.path} cannot be read ({error}).") from error


class CertificateProof(Proof):
    """A certificate of the registration, and the key that only the bot has.

    https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    """

    def __init__(self, client_id: str, file: Path, now: Callable[[], datetime]) -> None:
        try:
            pem = file.read_bytes()
            self._key: Any = load_pem_private_key(pem, password=None)
            certificate = x509.load_pem_x509_certificate(pem)
        except (OSError, ValueError, TypeError) as error:
            raise SetupError(
                f"KRSP_CERTIFICATE_FILE={file} must hold an unencrypted private key and its "
                f"certificate in PEM ({error})."
            ) from error
        self._client_id, self._now = client_id, now
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA256()))
        self._header = {"x5t#S256": thumbprint.rstrip(b"=").decode()}

    @override
    async def fields(self, endpoint: str) -> Mapping[str, str]:
        now = self._now()
        claims = {
            "aud": endpoint,
            "iss": self._client_id,
            "sub": self._client_id,
            "jti": str(uuid.uuid4()),
            "nbf": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LASTS).timestamp()),
        }
        return _assertion(jwt.encode(claims, self._key, "PS256", headers=self._header))


def _assertion(token: str) -> Mapping[str, str]:
    return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": token.strip()}
