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

    def fail_next(self, *errors: BotError) -> None:
        """Let the next calls of `start` fail with nothing started, one error each."""
        self._before.add(*errors)

    def lose_next(self, *errors: BotError) -> None:
        """Let the next calls of `start` fail although the pipeline run did start."""
        self._after.add(*errors)

    def put(self, run_id: str, seen: PipelineSeen) -> None:
        """Say what is seen of a pipeline run from now on."""
        self._seen[run_id] = seen

    def begin(self, run_id: str) -> None:
        """Let a queued pipeline run begin."""
        self.put(run_id, replace(self._seen[run_id], state=PipelineState.RUNNING))

    def finish(
        self, run_id: str, state: PipelineState = PipelineState.SUCCEEDED, fault: str | None = None
    ) -> None:
        """Let a pipeline run end."""
        self.put(run_id, replace(self._seen[run_id], state=state, fault=fault))

    @override
    async def start(self, request: PipelineRequest) -> None:
        self.calls.append(request.run_id)
        self._before.strike()
        if request.run_id not in self.requests:
            self.requests[request.run_id] = request
            self._seen[request.run_id] = PipelineSeen(PipelineState.QUEUED)
        self._after.strike()

    @override
    async def observe(self, run_ids: Collection[str]) -> Mapping[str, PipelineSeen]:
        return {run_id: self._seen[run_id] for run_id in run_ids if run_id in self._seen}

    @override
    async def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)
        seen = self._seen.get(run_id)
        if seen is not None and seen.state not in _ENDED:
            self._seen[run_id] = replace(seen, state=PipelineState.CANCELLED)

    @override
    async def log(self, run_id: str) -> Sequence[str]:
        return list(self.logs.get(run_id, ()))
