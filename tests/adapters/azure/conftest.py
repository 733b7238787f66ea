"""What tests of Azure Pipelines start from: a world of their own, its clock, and rights to take."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Clock
from tests.adapters.azure.devops_world import DevOpsWorld, sign_in
from tests.azure_twin import world as names
from tests.azure_twin.fixtures import RunningTwin


class Moved(Clock):
    """The time, some of it skipped."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
async def world(
    azure: RunningTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Moved
) -> AsyncIterator[DevOpsWorld]:
    sign_in(azure, monkeypatch)
    found = DevOpsWorld(azure, tmp_path, clock=clock)
    await found.open()
    yield found
    await found.close()


@pytest.fixture
def without(azure: RunningTwin) -> Iterator[Any]:
    """Return a function that takes rights from the bot until the test ends."""
    taken: list[str] = []

    def revoke(*wanted: str) -> None:
        taken.extend(wanted)
        azure.control.call("devops.rights", who=names.BOT_IDENTITY, revoke=list(wanted))

    yield revoke
    azure.control.call("devops.rights", who=names.BOT_IDENTITY, grant=taken)
