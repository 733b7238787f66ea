"""Cookies that only we can read or make, each for one purpose and for a limited time."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived(secret: bytes, purpose: str) -> bytes:
    """Return a key for one purpose; what was made for another is noise to it."""
    return HKDF(SHA256(), length=32, salt=None, info=f"krsp {purpose}".encode()).derive(secret)


class Seal:
    """Encrypts and authenticates small JSON objects. Who has the same secret can open them."""

    def __init__(self, secret: bytes, purpose: str, lasts: timedelta) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derived(secret, purpose)))
        self._lasts = lasts

    def close(self, said: Mapping[str, Any], now: datetime) -> str:
        """Return a cookie's value."""
        text = json.dumps(said).encode()
        return self._fernet.encrypt_at_time(text, int(now.timestamp())).decode()

    def open(self, sealed: str, now: datetime) -> Mapping[str, Any] | None:
        """Return what was said; None for what was not sealed here, or too long ago."""
        lasts_s, now_s = int(self._lasts.total_seconds()), int(now.timestamp())
        try:
            text = self._fernet.decrypt_at_time(sealed.encode(), lasts_s, now_s)
        except (InvalidToken, UnicodeEncodeError):
            return None
        said: Mapping[str, Any] = json.loads(text)
        return said
