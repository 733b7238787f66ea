"""The product in the azure profile, served by child processes, on a twin of Azure."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.demo import serve_bot
from tests.azure_twin.fixtures import running_twin
from tests.azure_twin.place import AzurePlace
from tests.azure_twin.teams import Shown, Teams

QUICK = Path(__file__).parent.parent / "quick" / "image"
_conversations = itertools.count(1)


@dataclass
class Journey:
    """One conversation with the product, and the hands on Azure."""

    place: AzurePlace
    teams: Teams
    conversation: str

    async def call(self, command: str, **values: Any) -> Any:
        """Give the twin an order."""
        return await asyncio.to_thread(self.place.twin.control.call, command, **values)

    async def fault(self, **values: Any) -> None:
        await asyncio.to_thread(self.place.twin.control.fault, **values)

    async def say(self, text: str, person: str = "alex") -> None:
        await self.teams.say(person, text, self.conversation)

    async def card(self, *words: str, patience_s: float = 90) -> Shown:
        """Return the newest message here that has all these words on it."""

        def holds(message: Shown) -> bool:
            here = message.conversation == self.conversation
            return here and all(word in message.text for word in words)

        return await self.teams.until(holds, repr(words), patience_s)

    async def start(self, settings: str = "steps=8") -> str:
        """Ask for a run and start it; return its id."""
        await self.say(f"train tiny-sft {settings}")
        plan = await self.card("Plan:")
        await self.teams.press("alex", plan, "Start")
        run_id = (await self.card("asked by Alex Wilber")).run_id
        assert run_id is not None
        return run_id

    async def ended(self, run_id: str, how: str, patience_s: float = 180) -> Shown:
        """Return the run's card once it says how it ended."""
        return await self.card(run_id, how, patience_s=patience_s)

    async def jobs(self, run_id: str) -> list[str]:
        """Return the names under which jobs were put for a run; one name is one job at most."""
        put = await self._requests(method="PUT", path=f"/jobs/{run_id}")
        return sorted({each["path"].rpartition("/")[2] for each in put})

    async def effects(self, run_id: str) -> list[dict[str, Any]]:
        """Return the pipeline runs of a name that were not cancelled."""
        found = await self.call("devops.list_runs")
        ours = [run for run in found if run["buildNumber"] == run_id]
        return [run for run in ours if run.get("result") != "canceled"]

    async def alerts(self, run_id: str) -> list[Shown]:
        """Return the messages that mention the requester about a run, once there is one."""

        def is_alert(message: Shown) -> bool:
            return run_id in str(message.body) and "<at>" in str(message.body)

        await self.teams.until(is_alert, f"the alert of {run_id}", patience_s=20)
        return [message for message in self.teams.shown if is_alert(message)]

    async def _requests(self, **values: Any) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self.place.twin.requests, **values)


@pytest.fixture(scope="module")
def unserved_place(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[AzurePlace]:
    """Return a place to serve the product; its jobs bring a trainer that only writes progress."""
    folder = tmp_path_factory.mktemp("azure")
    with running_twin(folder / "twin", local_sign_in=True) as twin:
        port = free_port()
        place = AzurePlace(
            home=folder / "home",
            host="127.0.0.1",
            bot_port=port,
            playground_port=0,
            public_url=f"http://127.0.0.1:{port}",
            twin=twin,
        )
        place.prepare()
        twin.control.call("jobs.image", programs=str(QUICK))
        twin.control.call("jobs.pace", seconds=0.1)
        yield place


@pytest.fixture(scope="module")
def azure_place(unserved_place: AzurePlace) -> Iterator[AzurePlace]:
    """Return the served product, Alex and Megan having signed in once."""
    with serve_bot(unserved_place):
        for person in ("alex", "megan"):
            unserved_place.sign_in(person)
        yield unserved_place


@pytest.fixture
async def journey(azure_place: AzurePlace) -> AsyncIterator[Journey]:
    """Return a conversation of its own; no fault outlives it, and nothing tried to leave."""
    teams = Teams(azure_place.bot_url, azure_place.twin.control)
    await teams.start()
    conversation = f"19:journey{next(_conversations)}@thread.tacv2;messageid=1"
    yield Journey(azure_place, teams, conversation)
    azure_place.twin.control.clear_faults()
    await teams.close()
    assert azure_place.twin.control.refused_hosts() == []
    assert teams.refused == []
