"""Pipeline runs that move only when a test says so."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from typing_extensions import override

from bot.adapters.memory.faults import Faults
from bot.domain.run import PipelineSeen, PipelineState
from bot.errors import BotError
from bot.ports import PipelineRequest, Pipelines

_ENDED = {
    PipelineState.SUCCEEDED,
    PipelineState.FAILED,
    PipelineState.CANCELLED,
    PipelineState.LOST,
}


class MemoryPipelines(Pipelines):
    """Keeps `requests` (what started, once each), `calls` (every call of start), `cancelled`."""

    def __init__(self) -> None:
        self.requests: dict[str, PipelineRequest] = {}
        self.calls: list[str] = []
        self.cancelled: list[str] = []
        self.logs: dict[str, list[str]] = {}
        self._seen: dict[str, PipelineSeen] = {}
        self._before = Faults()
        self._after = Faults()
        self._silence: BotError | None = None

    def fail_next(self, *errors: BotError) -> None:
        """Let the next calls of `start` fail with nothing started, one error each."""
        self._before.add(*errors)

    def lose_next(self, *errors: BotError) -> None:
        """Let the next calls of `start` fail although the pipeline run did start."""
        self._after.add(*errors)

    def fail_no_more(self) -> None:
        """Let `start` work again."""
        self._before, self._after = Faults(), Faults()

    def be_silent(self, error: BotError | None) -> None:
        """Let every look fail, until it is told None."""
        self._silence = error

    def put(self, name: str, seen: PipelineSeen) -> None:
        """Say what is seen of a pipeline run from now on."""
        self._seen[name] = seen

    def begin(self, name: str) -> None:
        """Let a queued pipeline run begin."""
        self.put(name, replace(self._seen[name], state=PipelineState.RUNNING))

    def finish(
        self, name: str, state: PipelineState = PipelineState.SUCCEEDED, fault: str | None = None
    ) -> None:
        """Let a pipeline run end."""
        self.put(name, replace(self._seen[name], state=state, fault=fault))

    @override
    async def start(self, request: PipelineRequest) -> None:
        self.calls.append(request.name)
        self._before.strike()
        if request.name not in self.requests:
            self.requests[request.name] = request
            self._seen[request.name] = PipelineSeen(PipelineState.QUEUED)
        self._after.strike()

    @override
    async def observe(self, names: Collection[str]) -> Mapping[str, PipelineSeen]:
        if self._silence is not None:
            raise self._silence
        return {name: self._seen[name] for name in names if name in self._seen}

    @override
    async def cancel(self, name: str) -> None:
        self.cancelled.append(name)
        seen = self._seen.get(name)
        if seen is not None and seen.state not in _ENDED:
            self._seen[name] = replace(seen, state=PipelineState.CANCELLED)

    @override
    async def log(self, name: str) -> Sequence[str]:
        return list(self.logs.get(name, ()))
