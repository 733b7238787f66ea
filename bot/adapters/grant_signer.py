"""The bot's Ed25519 key, which signs grants, and its public half, which pipelines verify with."""

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bot.errors import SetupError
from trainer.contract.grant import ALGORITHM, GrantClaims


class GrantSigner:
    """Signs with the key in `pem`. Raises `SetupError` for anything but an Ed25519 private key."""

    def __init__(self, pem: str) -> None:
        self._key = _key(pem)

    def sign(self, claims: GrantClaims) -> str:
        """Return the claims as a JWT."""
        return jwt.encode(claims.model_dump(), self._key, algorithm=ALGORITHM)

    @property
    def public_text(self) -> str:
        """Return the public key in one line: `KRSP_GRANT_PUBLIC_KEY` of the pipelines."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()


def new_key() -> str:
    """Return a new private key as PEM, for `KRSP_GRANT_KEY`."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _key(pem: str) -> Ed25519PrivateKey:
    # A secret in one line has its line ends written as \n.
    text = pem.replace("\\n", "\n").strip().encode()
    try:
        found = load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise SetupError(
            "KRSP_GRANT_KEY is no private key in PEM; `python -m bot grant-key --new` makes one."
        ) from error
    if not isinstance(found, Ed25519PrivateKey):
        raise SetupError(
            "KRSP_GRANT_KEY is no Ed25519 key; `python -m bot grant-key --new` makes one."
        )
    return found
