"""Sweeps kept until the process ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from bot.adapters.memory.promotions import Tell
from bot.domain.message import Message
from bot.domain.sweep import Sweep
from bot.errors import ConflictError, NotFoundError
from bot.ports.records import SweepStore


class MemorySweeps(SweepStore):
    """`tell` writes messages to the store of the runs."""

    def __init__(self, tell: Tell) -> None:
        self._sweeps: dict[str, Sweep] = {}
        self._tell = tell

    @override
    async def add_sweep(self, sweep: Sweep) -> Sweep:
        return self._sweeps.setdefault(sweep.id, replace(sweep, version=1))

    @override
    async def save_sweep(self, sweep: Sweep, messages: Sequence[Message] = ()) -> Sweep:
        known = self._sweeps.get(sweep.id)
        if known is None:
            raise NotFoundError(f"There is no sweep {sweep.id}.")
        if known.version != sweep.version:
            raise ConflictError(f"{sweep.id} was changed by somebody else meanwhile; look again.")
        self._tell([], messages)
        self._sweeps[sweep.id] = replace(sweep, version=sweep.version + 1)
        return self._sweeps[sweep.id]

    @override
    async def sweep(self, sweep_id: str) -> Sweep | None:
        return self._sweeps.get(sweep_id)

    @override
    async def sweeps(self, limit: int = 50) -> Sequence[Sweep]:
        return sorted(self._sweeps.values(), key=_age, reverse=True)[:limit]

    @override
    async def open_sweeps(self) -> Sequence[Sweep]:
        return sorted((each for each in self._sweeps.values() if each.status.is_open), key=_age)


def _age(sweep: Sweep) -> tuple[datetime, str]:
    return sweep.created_at, sweep.id
