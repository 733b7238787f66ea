"""AzurePipelines against the twin's Azure DevOps: real files, run by the twin's agents."""

import asyncio
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.credential import Identity, Tokens
from bot.adapters.azure.devops import DevOps
from bot.adapters.azure.faults import DEVOPS
from bot.adapters.azure.pipelines import AzurePipelines, Files
from bot.adapters.clock import SystemClock
from bot.domain.run import PipelineSeen, PipelineState
from bot.ports import PipelineKind
from tests.adapters.local.workbench import until
from tests.adapters.pipeline_requests import OVER
from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin

RUNS = r"/pipelines/\d+/runs"

# Every run waits for a file that says how it ends.
TRAIN = """
    name: ${{ parameters.runKey }}
    parameters:
      - {name: runKey, type: string}
      - {name: spec, type: string}
      - {name: target, type: string, default: azureml}
    pool: {vmImage: ubuntu-24.04}
    stages:
      - stage: validate
        displayName: Validate
        jobs:
          - job: wait
            displayName: Wait for the hand
            steps:
              - checkout: none
              - bash: |
                  echo "##vso[build.addbuildtag]$RUN"
                  echo "$RUN for $TARGET" >> "HOME_FOLDER/started"
                  until [ -e "HOME_FOLDER/$RUN" ]; do sleep 0.02; done
                  echo "the secret is password=hunter2hunter2"
                  status=$(cat "HOME_FOLDER/$RUN")
                  if [ "$status" != 0 ]; then
                    echo "##vso[task.logissue type=error]The hand said $status."
                  fi
                  exit "$status"
                displayName: Wait
                env:
                  RUN: ${{ parameters.runKey }}
                  TARGET: ${{ parameters.target }}
      - stage: submit
        displayName: Submit
        dependsOn: validate
        jobs:
          - job: submit
            steps:
              - checkout: none
              - bash: echo done
                displayName: Finish
    """
PROMOTE = """
    name: ${{ parameters.runKey }}
    parameters:
      - {name: runKey, type: string}
      - {name: action, type: string}
    pool: {vmImage: ubuntu-24.04}
    stages:
      - stage: deploy
        displayName: Deploy
        jobs:
          - deployment: deploy
            environment: lab
            strategy:
              runOnce:
                deploy:
                  steps:
                    - checkout: none
                    - bash: echo deployed
                      displayName: Deploy
    """


class DevOpsWorld:
    """An adapter against the twin, which starts with no run and our two files."""

    def __init__(self, twin: RunningTwin, root: Path, **options: Any) -> None:
        self.twin, self.home = twin, root / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.repository = root / "repository"
        self.write("train", TRAIN)
        self.write("promote", PROMOTE)
        self._connections: list[DevOps] = []
        self.devops = self.connect()
        self.pipelines = self.adapter(self.devops, **options)

    def write(self, name: str, text: str) -> None:
        file = self.repository / "azure-pipelines" / f"{name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        filled = textwrap.dedent(text).replace("HOME_FOLDER", str(self.home))
        file.write_text(filled, encoding="utf-8")

    def connect(self, **values: Any) -> DevOps:
        """Return a new connection, as a restarted bot has one; it ends with this world."""
        place = {"url": world.DEVOPS_URL, "project": world.PROJECT, **values}
        tokens = place.pop("tokens", None) or Tokens(identity())
        calls = place.pop("calls", None) or Calls(Gate(DEVOPS), tokens.identity.words, timeout_s=20)
        self._connections.append(DevOps(place["url"], place["project"], tokens, calls))
        return self._connections[-1]

    def adapter(self, devops: DevOps, **options: Any) -> AzurePipelines:
        files = Files(
            {
                PipelineKind.TRAIN: world.PIPELINES["train"],
                PipelineKind.PROMOTE: world.PIPELINES["promote"],
            },
            extra={PipelineKind.TRAIN: {"target": "azureml"}},
        )
        clock = options.pop("clock", SystemClock())
        return AzurePipelines(
            devops, options.pop("files", files), clock, **{"every_s": 0, **options}
        )

    async def control(self, command: str, **values: Any) -> Any:
        """Do what a person or an administrator does at Azure DevOps."""
        return await asyncio.to_thread(self.twin.control.call, f"devops.{command}", **values)

    async def open(self) -> None:
        await self.control("repository", path=str(self.repository))
        await self.control("set_pool", parallel=10, delay_s=0, is_paused=False)
        await self.control("set_throttle", cost=0)
        await self.control("environment", name="lab", approvers=["Megan Bowen", "Nestor Wilke"])
        await self.empty()

    async def empty(self) -> None:
        for run in await self.runs():
            await self.control("delete", run=run["id"])

    async def close(self) -> None:
        await asyncio.to_thread(self.twin.control.clear_faults)
        await self.open()
        for connection in self._connections:
            connection.close()

    async def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.control("list_runs")
        return found

    async def begin(self, run_id: str) -> None:
        await until(lambda: self._is_running(run_id), f"{run_id} to run")

    async def _is_running(self, run_id: str) -> bool:
        is_there = run_id in self._started()
        return is_there and await self.state(run_id) is PipelineState.RUNNING

    async def finish(self, run_id: str, *, good: bool = True) -> None:
        (self.home / run_id).write_text("0" if good else "7")
        await self.ended(run_id)

    async def ended(self, run_id: str) -> None:
        async def is_over() -> bool:
            return await self.state(run_id) in OVER

        await until(is_over, f"{run_id} to end")

    async def seen(self, run_id: str) -> PipelineSeen | None:
        return (await self.pipelines.observe([run_id])).get(run_id)

    async def state(self, run_id: str) -> PipelineState | None:
        seen = await self.seen(run_id)
        return seen.state if seen else None

    def started(self) -> int:
        return len(self._started())

    def _started(self) -> list[str]:
        started = self.home / "started"
        lines = started.read_text().splitlines() if started.exists() else []
        return [line.split()[0] for line in lines]

    async def fault(self, **values: Any) -> None:
        """Let the next request to Azure DevOps that matches go wrong."""
        await asyncio.to_thread(self.twin.control.fault, host="dev.azure.com", **values)

    async def requests(self, **values: Any) -> list[Mapping[str, Any]]:
        return await asyncio.to_thread(self.twin.requests, host="dev.azure.com", **values)


def identity(client_id: str = world.BOT_IDENTITY) -> Identity:
    """Return the bot's identity, which the twin's machine proves."""
    return Identity("managed_identity", world.TENANT, client_id)


def sign_in(twin: RunningTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process the managed identity of the bot."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, twin.bot_environment[name])


def posted(requests: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the bodies of what was posted."""
    bodies = [each["body"] for each in requests if each["method"] == "POST"]
    return [json.loads(body) if isinstance(body, str) else body for body in bodies]
