"""A credential whose tokens the twin mints: for tests that are not about signing in."""

import time
from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import AccessToken

from tests.azure_twin.client import TwinControl


@dataclass
class TwinCredential:
    """Tokens of one identity, kept for a minute."""

    control: TwinControl
    client_id: str
    _held: dict[str, AccessToken] = field(default_factory=dict)

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        audience = scopes[0].removesuffix("/.default")
        held = self._held.get(audience)
        if held is None or held.expires_on - 3500 < time.time():
            token = self.control.mint(self.client_id, audience)
            held = self._held[audience] = AccessToken(token, int(time.time()) + 3600)
        return held
