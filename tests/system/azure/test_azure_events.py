"""Events wake the bot in the azure profile; doubled, turned round or lost, they change nothing."""

import asyncio
import os
import sys
from typing import Any

import pytest

from tests.azure_twin.world import BOT_API
from tests.system.azure.conftest import Journey

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

DEVOPS, AZURE_ML = "events of azure-devops", "events of azure-ml"


async def ensure_hooks(journey: Journey) -> tuple[int, list[str]]:
    """Run `python -m bot hooks ensure` as an administrator does; return its code and lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "hooks", "ensure"),
        env={**os.environ, **journey.place.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().splitlines()


def heard(journey: Journey, what: str) -> int:
    """Return how often the bot noted events of a sender."""
    return (journey.place.home / "bot.log").read_text("utf-8").count(what)


async def subscribe(journey: Journey, schema: str, **values: Any) -> str:
    """Subscribe Event Grid to the bot; return the state that the handshake left."""
    url = f"{journey.place.bot_url}/hooks/azure-ml?{schema}"
    return str(await journey.call("events.subscribe", url=url, schema=schema, **values))


async def delivered(journey: Journey, count: int) -> list[dict[str, Any]]:
    """Return the deliveries of Event Grid, once there are so many."""
    async with asyncio.timeout(30):
        while True:
            found = await journey.call("events.deliveries")
            if len(found) >= count:
                return list(found)
            await asyncio.sleep(0.1)


async def test_a_run_whose_events_are_doubled_turned_round_and_lost_ends_well(
    journey: Journey,
) -> None:
    code, lines = await ensure_hooks(journey)
    assert (code, len(lines)) == (0, 10)  # five events of each of two pipelines
    assert all(line.startswith("ok ") for line in lines)
    assert await ensure_hooks(journey) == (code, lines)
    assert await subscribe(journey, "cloud") == "Succeeded"
    assert await subscribe(journey, "grid") == "Succeeded"
    await journey.call("devops.set_hooks", lose=2, double=3, reorder=3, retry_s=0.1)
    await journey.call("events.mishaps", doubled=2)
    run_id = await journey.start()
    await journey.ended(run_id, "Succeeded")
    assert len(await journey.jobs(run_id)) == len(await journey.effects(run_id)) == 1
    assert len(await journey.alerts(run_id)) == 1
    assert heard(journey, DEVOPS) > 0
    # One event in two schemas, each twice, is one reason to look.
    told = await delivered(journey, 4)
    assert [each["status"] for each in told] == [200] * 4
    assert len({each["id"] for each in told}) == heard(journey, AZURE_ML) == 1


async def test_a_sender_without_a_token_for_the_bot_gets_no_handshake(journey: Journey) -> None:
    assert await subscribe(journey, "grid", audience=None) == "Failed"
    assert await subscribe(journey, "grid", audience="api://somebody-else") == "Failed"
    assert await subscribe(journey, "grid", audience=BOT_API) == "Succeeded"
