"""The bot is killed while Azure works, and started again: nothing lost, nothing done twice."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.demo import serve_bot
from tests.azure_twin.place import AzurePlace
from tests.azure_twin.teams import Teams
from tests.system.azure.conftest import Journey
from tests.system.azure.test_azure_journeys import proved

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

CONVERSATION = "19:kill@thread.tacv2;messageid=1"
LOOK_S = 0.2


def kill(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


async def seen(look: Callable[[], Awaitable[list[Any]]], patience_s: float = 180) -> None:
    """Wait until Azure shows something."""
    for _ in range(round(patience_s / LOOK_S)):
        if await look():
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"Azure shows nothing after {patience_s:g} s.")


async def test_a_bot_killed_three_times_ends_one_run_once(unserved_place: AzurePlace) -> None:
    place = unserved_place
    teams = Teams(place.bot_url, place.twin.control)
    await teams.start()
    journey = Journey(place, teams, CONVERSATION)
    try:
        with serve_bot(place) as process:
            await asyncio.to_thread(place.sign_in, "alex")
            run_id = await journey.start("steps=150")
            await seen(lambda: journey.effects(run_id))
            kill(process)  # the pipeline run is there, the job is not
        with serve_bot(place) as process:
            await seen(lambda: journey.jobs(run_id))
            kill(process)  # the job is there
        with serve_bot(place) as process:
            await journey.card(run_id, "step ", patience_s=180)
            kill(process)  # it trains, and ends unwatched
        with serve_bot(place):
            await journey.ended(run_id, "Succeeded", patience_s=240)
            await proved(journey, run_id)
    finally:
        await teams.close()
