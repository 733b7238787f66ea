"""A sweep in the real bot: asked for in chat, run as jobs, its best run told."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo import Place, serve_bot
from tests.system.journeys import PEOPLE, QuickPlace, get, post_as

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

ALEX = next(person for person in PEOPLE if person.name == "Alex Wilber")
GROUP = "19:krsp-group@thread.v2"
PATIENCE_S = 90


@pytest.fixture
def bot(tmp_path: Path, ports: Callable[[], dict[str, Any]]) -> Iterator[Place]:
    """Return where a bot is served that nobody's client listens to."""
    place = QuickPlace(home=tmp_path, **ports())
    with serve_bot(place):
        yield place


def say(place: Place, text: str) -> None:
    post_as(place, ALEX, GROUP, {"type": "message", "text": text})


def wait_for_sweep(place: Place, status: str) -> dict[str, Any]:
    """Return the newest sweep once it has the status."""
    until = time.monotonic() + PATIENCE_S
    found: list[dict[str, Any]] = []
    while time.monotonic() < until:
        found = get(place, "/api/v1/sweeps")["sweeps"]
        if found and found[0]["status"] == status:
            return dict(get(place, f"/api/v1/sweeps/{found[0]['id']}"))
        time.sleep(0.2)
    pytest.fail(f"no sweep became {status}: {found}")


def test_a_sweep_asked_for_in_chat_runs_its_trials_and_names_the_best(bot: Place) -> None:
    say(bot, "sweep tiny-sft lr=1e-3,2e-3 seed=0,1 steps=3 parallel=2 budget=0.5")
    planned = wait_for_sweep(bot, "planned")
    assert planned["cost"] == 0
    assert len(planned["runs"]) == 4
    say(bot, f"sweep start {planned['id']}")
    ended = wait_for_sweep(bot, "succeeded")
    assert [run["status"] for run in ended["runs"]] == ["succeeded"] * 4
    assert [run["figure"] for run in ended["runs"]] == [0.7] * 4
    assert ended["best"] == ended["runs"][0]["run_id"]
    names = {get(bot, f"/api/v1/runs/{run['run_id']}")["spec"]["name"] for run in ended["runs"]}
    assert names == {f"tiny-sft-0{number}" for number in (1, 2, 3, 4)}
