"""Watching registered models and the endpoints that serve them."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.promotion import EndpointSeen, ModelVersion


class Registry(Protocol):
    """Reads what promotions made; they are changed by the promotion pipeline only.

    Raises `UnavailableError` when it cannot be known: what is not listed is not there.
    """

    async def versions(self, model: str | None = None) -> Sequence[ModelVersion]:
        """Return the registered versions that a run of ours made, newest first."""

    async def endpoints(self, *, may_rest: bool = False) -> Sequence[EndpointSeen]:
        """Return the endpoints with their deployments, by name.

        `may_rest`: nothing is under way, so an answer of the last half minute will do.
        """

    async def advance(self) -> None:
        """Let what is deployed be served. A backend that sees to that itself does nothing."""
