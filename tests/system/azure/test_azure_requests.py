"""Commits and schedules ask for runs in the azure profile: once each, through the policy."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.local.interpreter.workspace import check_out
from tests.azure_twin.devops.organisation import REPOSITORY
from tests.azure_twin.teams import IDS
from tests.system.azure.conftest import Journey

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

ALEX, NOBODY = IDS["alex"][0], "00000000-0000-0000-0000-00000000dead"
RUNS = "azure-pipelines/runs"
# Between what may start unattended and what Alex may start alone, whatever the throughput seen.
DEAR = "steps: 4, sku: Standard_NC24ads_A100_v4, priority: dedicated"


@dataclass
class Commits:
    """A clone of this repository in which people commit, and what the pipelines make of it."""

    journey: Journey
    folder: Path

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Alex", "-c", "user.email=alex@example.org"]
        command = ["git", "-C", str(self.folder), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, name: str, changes: str, *, owner: str = ALEX, more: str = "") -> str:
        """Commit one run file; return its path."""
        path = f"{RUNS}/{name}.yaml"
        text = f"owner: {owner}\nrecipe: tiny-sft\nchanges: {{name: {name}, {changes}}}\n{more}"
        (self.folder / path).write_text(text, encoding="utf-8")
        self.git("add", path)
        self.git("commit", "--quiet", "--message", name)
        return path

    async def push(self, path: str) -> dict[str, Any]:
        """Push the newest commit; return the pipeline run that it started, ended."""
        (build,) = await self.journey.call("devops.push", paths=[path], author="Alex Wilber")
        return await self.ended(build)

    async def strike(self, minute: datetime) -> dict[str, Any]:
        (build,) = await self.journey.call("devops.cron", at=minute.isoformat())
        return await self.ended(build)

    async def ended(self, build: int) -> dict[str, Any]:
        async with asyncio.timeout(180):
            while True:
                found = await self.journey.call("devops.list_runs")
                (run,) = (each for each in found if each["id"] == build)
                if run["status"] == "completed":
                    return dict(run)
                await asyncio.sleep(0.2)

    async def assert_succeeded(self, told: Sequence[dict[str, Any]]) -> None:
        failed = [await self.said(run["id"]) for run in told if run["result"] != "succeeded"]
        assert failed == []

    async def said(self, build: int) -> str:
        """Return what the steps of a pipeline run wrote."""
        logs = (
            self.journey.place.twin.folder / "devops" / "runs" / str(build) / "attempt-1" / "logs"
        )
        texts = [log.read_text("utf-8") for log in sorted(logs.glob("*.log"))]
        return "\n".join(texts)


@pytest.fixture
async def commits(journey: Journey, tmp_path: Path) -> AsyncIterator[Commits]:
    """Return a clone that the twin's pipelines check out; Alex has asked for a run here."""
    folder = tmp_path / "clone"
    folder.mkdir()
    check_out(REPOSITORY, folder, without=None)
    found = Commits(journey, folder)
    if not (folder / ".git").exists():
        found.git("init", "--quiet")
    found.git("add", "--all")
    found.git("commit", "--quiet", "--allow-empty", "--message", "As it lies there")
    await journey.call("devops.repository", path=str(folder))
    # News of a person's unattended runs go where they asked last.
    own = await asked_for_approval(journey)
    yield found
    await journey.say(f"cancel {own}")
    await journey.call("devops.repository", path=str(REPOSITORY))


async def asked_for_approval(journey: Journey) -> str:
    """Ask as Alex for a run that nobody will agree to; return its id."""
    await journey.say("train tiny-sft steps=1000000")
    plan = await journey.card("Plan:")
    await journey.teams.press("alex", plan, "Ask for approval")
    run_id = (await journey.card("Approve tiny-sft?")).run_id
    assert run_id is not None
    return run_id


async def runs_of(journey: Journey, name: str) -> list[str]:
    """Return the ids of all runs of this name, as their owner's page lists them."""
    pages = await asyncio.to_thread(journey.place.sign_in, "alex")

    def read() -> list[str]:
        with pages.open(f"{journey.place.bot_url}/api/v1/runs", timeout=30) as answer:
            return [run["id"] for run in json.load(answer)["runs"] if run["name"] == name]

    return await asyncio.to_thread(read)


async def test_a_commit_starts_one_run_however_often_it_is_told(commits: Commits) -> None:
    journey = commits.journey
    path = commits.commit("by-commit", "steps: 4")
    told = await asyncio.gather(commits.push(path), commits.push(path))
    told.append(await commits.push(path))
    await commits.assert_succeeded(told)
    (run_id,) = await runs_of(journey, "by-commit")
    assert f"It was asked for before: {run_id}" in await commits.said(told[-1]["id"])
    await journey.ended(run_id, "Succeeded")
    assert len(await journey.jobs(run_id)) == len(await journey.effects(run_id)) == 1


async def test_a_slot_starts_one_run_however_often_the_clock_strikes(commits: Commits) -> None:
    journey = commits.journey
    # A slot of ten minutes ago, which stays the newest one for as long as the test may take.
    slot = datetime.now(UTC) - timedelta(minutes=10)
    commits.commit("by-slot", "steps: 4", more=f'schedule: "{slot.minute} {slot.hour} * * *"\n')
    strikes = slot.replace(minute=5)
    told = await asyncio.gather(commits.strike(strikes), commits.strike(strikes))
    told.append(await commits.strike(strikes))
    await commits.assert_succeeded(told)
    (run_id,) = await runs_of(journey, "by-slot")
    await journey.ended(run_id, "Succeeded")
    assert len(await journey.jobs(run_id)) == len(await journey.effects(run_id)) == 1


async def test_a_run_in_a_stranger_s_name_fails_its_pipeline_with_the_reason(
    commits: Commits,
) -> None:
    told = await commits.push(commits.commit("of-nobody", "steps: 4", owner=NOBODY))
    assert told["result"] == "failed"
    said = await commits.said(told["id"])
    assert f"Nobody here is known by the id `{NOBODY}`" in said
    assert await runs_of(commits.journey, "of-nobody") == []


async def test_a_dear_run_of_a_commit_waits_for_another_person(commits: Commits) -> None:
    journey = commits.journey
    told = await commits.push(commits.commit("dear", DEAR))
    assert told["result"] == "succeeded"
    (run_id,) = await runs_of(journey, "dear")
    assert f"{run_id} waits for another person to agree." in await commits.said(told["id"])
    question = await journey.card("Approve dear?", "start alone up to EUR 0.10")
    assert await journey.effects(run_id) == []
    await journey.teams.press("megan", question, "Approve")
    await journey.ended(run_id, "Succeeded")
    assert len(await journey.jobs(run_id)) == 1
