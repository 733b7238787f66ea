"""Models and endpoints that a test puts there."""

from collections.abc import Sequence

from typing_extensions import override

from bot.adapters.memory.faults import Faults
from bot.domain.promotion import EndpointSeen, ModelVersion
from bot.errors import BotError
from bot.ports.registry import Registry


class MemoryRegistry(Registry):
    """`models` and `served` (name -> endpoint) are there to be set; `advanced` counts calls."""

    def __init__(self) -> None:
        self.models: list[ModelVersion] = []
        self.served: dict[str, EndpointSeen] = {}
        self.advanced = 0
        self._faults = Faults()

    def fail_next(self, *errors: BotError) -> None:
        """Let the next looks at endpoints fail, one error each."""
        self._faults.add(*errors)

    @override
    async def versions(self, model: str | None = None) -> Sequence[ModelVersion]:
        found = [each for each in self.models if model in {None, each.model}]
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    @override
    async def endpoints(self, *, may_rest: bool = False) -> Sequence[EndpointSeen]:
        self._faults.strike()
        return [self.served[name] for name in sorted(self.served)]

    @override
    async def advance(self) -> None:
        self.advanced += 1
