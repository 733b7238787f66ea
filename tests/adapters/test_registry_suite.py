"""The contract of Registry, for the adapters that need no cloud; Azure's has the twin."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from mlflow import MlflowClient

from bot.adapters.local.registry import LocalRegistry
from bot.adapters.memory import MemoryRegistry
from bot.domain.promotion import DeploymentSeen, DeploymentState, EndpointSeen, ModelVersion
from bot.ports import Registry
from trainer.contract.promotion import DeploymentFile, EndpointFile, ServerFile

# MLflow 3.17 says it when its store is first imported.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

RUN = "run-20261123-aaaaaa"
URL = "http://127.0.0.1:3978"


class World(Protocol):
    """An adapter, and the hand that makes what it watches."""

    registry: Registry

    def register(self, model: str, run_id: str, stage: str = "") -> None: ...
    def deploy(self, name: str, colour: str, *, traffic: bool) -> None: ...


@dataclass
class MemoryWorld:
    registry: MemoryRegistry

    def register(self, model: str, run_id: str, stage: str = "") -> None:
        at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=len(self.registry.models))
        number = str(len([m for m in self.registry.models if m.model == model]) + 1)
        self.registry.models.append(ModelVersion(model, number, run_id, stage, "ab", at, 1.5))

    def deploy(self, name: str, colour: str, *, traffic: bool) -> None:
        share = 100 if traffic else 0
        one = DeploymentSeen(colour, "promo-1", RUN, "m", "1", DeploymentState.READY, share)
        known = self.registry.served.get(name)
        others = known.deployments if known else ()
        url = f"{URL}/endpoints/{name}/v1"
        self.registry.served[name] = EndpointSeen(name, url, (*others, one))


class LocalWorld:
    def __init__(self, home: Path) -> None:
        self.home, self.registry = home, LocalRegistry(home, URL)
        self._uri = f"sqlite:///{home}/mlflow.db"
        self._known: set[str] = set()

    def register(self, model: str, run_id: str, stage: str = "") -> None:
        client = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
        if model not in self._known:
            client.create_registered_model(model)
        self._known.add(model)
        tags = {"krsp.run_id": run_id, "krsp.model_sha256": "ab", "krsp.eval_loss": "1.5"}
        made = client.create_model_version(model, self.home.as_uri(), tags=tags)
        if stage:
            client.set_registered_model_alias(model, stage, made.version)
        time.sleep(0.005)  # the registry keeps milliseconds, and versions are told by age

    def deploy(self, name: str, colour: str, *, traffic: bool) -> None:
        folder = self.home / "endpoints" / name / colour
        folder.mkdir(parents=True)
        deployment = DeploymentFile(
            colour=colour,
            key="promo-1",
            run_id=RUN,
            model="m",
            version="1",
            folder=str(self.home),
            created_at=0.0,
        )
        server = ServerFile(state="ready", port=9, pid=os.getpid(), born=0.0)
        (folder / "deployment.json").write_text(deployment.model_dump_json())
        (folder / "server.json").write_text(server.model_dump_json())
        if traffic:
            endpoint = EndpointFile(name=name, traffic=colour, expires_at=86_400.0)
            (folder.parent / "endpoint.json").write_text(endpoint.model_dump_json())


@pytest.fixture(params=["memory", "local"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    makers: dict[str, Callable[[], World]] = {
        "memory": lambda: MemoryWorld(MemoryRegistry()),
        "local": lambda: LocalWorld(tmp_path),
    }
    return makers[request.param]()


async def test_nothing_is_there_at_first(world: World) -> None:
    assert list(await world.registry.versions()) == []
    assert list(await world.registry.endpoints()) == []
    await world.registry.advance()


async def test_versions_come_newest_first_with_stage_and_loss(world: World) -> None:
    world.register("m", RUN)
    world.register("m", "run-20261124-bbbbbb", "production")
    world.register("other", RUN)
    found = await world.registry.versions("m")
    assert [(v.version, v.run_id, v.stage) for v in found] == [
        ("2", "run-20261124-bbbbbb", "production"),
        ("1", RUN, ""),
    ]
    assert {v.eval_loss for v in found} == {1.5}
    assert len(await world.registry.versions()) == 3


async def test_an_endpoint_shows_each_colour_and_who_has_the_traffic(world: World) -> None:
    world.deploy("assistant", "blue", traffic=True)
    world.deploy("assistant", "green", traffic=False)
    (endpoint,) = await world.registry.endpoints()
    assert endpoint.url == f"{URL}/endpoints/assistant/v1"
    assert {d.colour: d.traffic for d in endpoint.deployments} == {"blue": 100, "green": 0}
    live = endpoint.live
    assert live is not None
    assert (live.key, live.run_id, live.state) == ("promo-1", RUN, DeploymentState.READY)


async def test_resting_does_not_hide_what_was_there(world: World) -> None:
    world.deploy("assistant", "blue", traffic=True)
    await world.registry.endpoints()
    assert len(await world.registry.endpoints(may_rest=True)) == 1


async def test_a_local_address_is_that_of_the_live_colour(tmp_path: Path) -> None:
    world = LocalWorld(tmp_path)
    registry = LocalRegistry(tmp_path, URL)
    assert registry.address("assistant") is None
    world.deploy("assistant", "blue", traffic=True)
    assert registry.address("assistant") == "http://127.0.0.1:9"
    assert registry.address("../assistant") is None
