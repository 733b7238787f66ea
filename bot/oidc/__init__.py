"""What OpenID Connect needs wherever tokens are checked: a provider's keys, and the checks."""

from bot.oidc.provider import Metadata, Provider
from bot.oidc.tokens import Claims, Keys, TokenVerifier, bearer_token, key_id_of

__all__ = ["Claims", "Keys", "Metadata", "Provider", "TokenVerifier", "bearer_token", "key_id_of"]
