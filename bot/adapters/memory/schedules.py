"""Schedules kept until the process ends."""

from collections.abc import Sequence
from dataclasses import replace

from typing_extensions import override

from bot.domain.schedule import Schedule
from bot.errors import ConflictError
from bot.ports.records import ScheduleStore


class MemorySchedules(ScheduleStore):
    """Keeps schedules by their names."""

    def __init__(self) -> None:
        self._schedules: dict[str, Schedule] = {}

    @override
    async def put_schedule(self, schedule: Schedule) -> Schedule:
        known = self._schedules.get(schedule.name)
        if schedule.version != (known.version if known else 0):
            raise ConflictError(
                f"The schedule {schedule.name} was added, changed or removed by somebody else "
                "meanwhile; look again."
            )
        stored = replace(schedule, version=schedule.version + 1)
        self._schedules[schedule.name] = stored
        return stored

    @override
    async def schedule(self, name: str) -> Schedule | None:
        return self._schedules.get(name)

    @override
    async def schedules(self) -> Sequence[Schedule]:
        return [self._schedules[name] for name in sorted(self._schedules)]

    @override
    async def remove_schedule(self, name: str) -> None:
        self._schedules.pop(name, None)
