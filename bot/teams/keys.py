"""The channel's signing keys, from its OpenID metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import jwt

from bot.errors import UnavailableError
from bot.oidc.published import GetJson, Published, find_key, usable_keys
from bot.ports import Clock

METADATA_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"

# Microsoft rotates the channel's keys seldom.
_LOOK_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class ChannelKey:
    """A key, and the channels for which its tokens may speak."""

    key: jwt.PyJWK
    endorsements: frozenset[str]


class SigningKeys:
    """Finds a key by its id. One refresh at a time; a failed one leaves the known keys in use."""

    def __init__(
        self, clock: Clock, *, metadata_url: str = METADATA_URL, timeout_s: float = 5.0
    ) -> None:
        self._url = metadata_url
        self._published = Published(
            metadata_url,
            self._fetch,
            clock,
            look_again_after=_LOOK_AGAIN_AFTER,
            timeout_s=timeout_s,
        )

    async def find(self, key_id: str) -> ChannelKey:
        """Return the key; raise `UnauthenticatedError` for one that the channel does not publish.

        Raises `UnavailableError` when the keys were never seen and cannot be fetched.
        """
        keys = await self._published.look(lambda keys: key_id in keys)
        if keys is None:
            raise UnavailableError("The channel's signing keys cannot be fetched just now.")
        return find_key(keys, key_id)

    async def _fetch(self, get_json: GetJson) -> Mapping[str, ChannelKey]:
        jwks = await get_json((await get_json(self._url))["jwks_uri"])
        return {
            said["kid"]: ChannelKey(key, frozenset(said.get("endorsements") or ()))
            for said, key in usable_keys(jwks, self._url)
        }
