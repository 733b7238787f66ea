"""Tokens with real signatures: who signs them, and what makes one good."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.azure_twin.clock import Clock
from tests.azure_twin.world import CLUSTER_ISSUER, DEVOPS_ISSUER, TENANT

ENTRA_V1 = f"https://sts.windows.net/{TENANT}/"
ENTRA_V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
BOT_FRAMEWORK = "https://api.botframework.com"

LIFETIME_S = 3600.0

MANAGEMENT = "https://management.azure.com"
STORAGE = "https://storage.azure.com"
MACHINE_LEARNING = "https://ml.azure.com"
DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"

# A resource has several spellings; a token for one is good at the resource.
AUDIENCES = {
    MANAGEMENT: ("https://management.azure.com", "https://management.core.windows.net"),
    STORAGE: ("https://storage.azure.com",),
    MACHINE_LEARNING: ("https://ml.azure.com", "https://management.azure.com"),
    DEVOPS: (DEVOPS,),
}


class TokenError(Exception):
    """A refused token; `reason`: missing, malformed, signature, expired, audience or issuer."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Claims:
    """What a good token says."""

    raw: Mapping[str, Any]

    @property
    def audience(self) -> str:
        return str(self.raw["aud"])

    @property
    def client_id(self) -> str:
        return str(self.raw.get("appid") or self.raw.get("azp") or "")

    @property
    def oid(self) -> str:
        return str(self.raw.get("oid") or "")

    @property
    def subject(self) -> str:
        return str(self.raw.get("sub") or "")

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.raw.get("roles") or ())


@dataclass(frozen=True)
class Signer:
    """One key pair, and the issuers that it may sign for."""

    issuers: tuple[str, ...]
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    kid: str = field(default_factory=lambda: uuid.uuid4().hex)

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "use": "sig", "kid": self.kid, "x5t": self.kid}]}


@dataclass
class Tokens:
    """Mint and verify. `lifetime_s` holds for tokens minted from then on."""

    clock: Clock
    lifetime_s: float = LIFETIME_S
    signers: tuple[Signer, ...] = field(
        default_factory=lambda: (
            Signer((ENTRA_V1, ENTRA_V2)),
            Signer((DEVOPS_ISSUER,)),
            Signer((CLUSTER_ISSUER,)),
            Signer((BOT_FRAMEWORK,)),
        )
    )

    def signer(self, issuer: str) -> Signer:
        found = next((one for one in self.signers if issuer in one.issuers), None)
        if found is None:
            raise TokenError("issuer", f"The issuer {issuer!r} is unknown here.")
        return found

    def mint(
        self,
        audience: str,
        *,
        issuer: str = ENTRA_V1,
        lifetime_s: float | None = None,
        **claims: Any,
    ) -> str:
        """Return a signed token; `claims` are added as they are."""
        now = self.clock.seconds()
        body = {
            "aud": audience,
            "iss": issuer,
            "iat": int(now),
            "nbf": int(min(now, time.time())) - 5,  # Azurite goes by the machine's clock
            "exp": int(now + (self.lifetime_s if lifetime_s is None else lifetime_s)),
            "uti": uuid.uuid4().hex[:22],
            **claims,
        }
        signer = self.signer(issuer)
        return jwt.encode(body, signer.key, "RS256", headers={"kid": signer.kid})

    def mint_pipeline(self, subject: str, *, audience: str, **claims: Any) -> str:
        """Return what Azure DevOps gives a job of a pipeline to exchange at Entra."""
        return self.mint(audience, issuer=DEVOPS_ISSUER, lifetime_s=600, sub=subject, **claims)

    def check(
        self, token: str, audience: str, *, issuers: tuple[str, ...] = (ENTRA_V1, ENTRA_V2)
    ) -> Claims:
        """Return the claims of a good token; anything else raises TokenError."""
        body = self._signed(token, issuers)
        wanted = AUDIENCES.get(audience, (audience,))
        if str(body.get("aud", "")).rstrip("/") not in wanted:
            raise TokenError("audience", f"The token is for {body.get('aud')!r}, not {audience!r}.")
        now = self.clock.seconds()
        if now >= float(body.get("exp", 0)):
            raise TokenError("expired", "The token has expired.")
        if now < float(body.get("nbf", 0)) - 300:
            raise TokenError("expired", "The token is not valid yet.")
        return Claims(body)

    def verify(self, request: web.Request, audience: str) -> Claims:
        """Return the claims of the request's bearer token, and note them for the request log."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenError("missing", "The 'Authorization' header is missing or no bearer token.")
        claims = self.check(token.strip(), audience)
        request["claims"] = claims
        return claims

    def _signed(self, token: str, issuers: tuple[str, ...]) -> Mapping[str, Any]:
        """Return the body if one of `issuers` signed it."""
        unread = {"verify_signature": False}
        try:
            issuer = str(jwt.decode(token, options=unread).get("iss", ""))
            if issuer not in issuers:
                raise TokenError("issuer", f"The token's issuer {issuer!r} is not trusted here.")
            key = self.signer(issuer).key.public_key()
            # Times and audience are checked above, by the twin's own clock.
            only = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss")}
            return dict(jwt.decode(token, key, algorithms=["RS256"], options=only))
        except jwt.InvalidSignatureError as error:
            raise TokenError("signature", "The token's signature is not the issuer's.") from error
        except jwt.InvalidTokenError as error:
            raise TokenError("malformed", f"The token cannot be read: {error}") from error
