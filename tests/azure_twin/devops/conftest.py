"""A twin of their own for the tests of its Azure DevOps half, with a repository of their own."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.devops import _file_cache
from azure.devops.client import Client

from tests.azure_twin.devops.sdk import Sdk, closing_sessions, sdk
from tests.azure_twin.fixtures import RunningTwin, running_twin
from tests.azure_twin.world import BOT_IDENTITY, DEVOPS_APP, PIPELINES


@dataclass
class Lab:
    """The organisation as one test sees it: a repository to write, clients, and the control."""

    twin: RunningTwin
    repository: Path
    _sdk: dict[str, Sdk] = field(default_factory=dict)

    @property
    def bot(self) -> Sdk:
        """Clients with a token of the bot's managed identity."""
        return self.of(self.token())

    def of(self, token: str) -> Sdk:
        return self._sdk.setdefault(token, sdk(token))

    def token(self, client_id: str = BOT_IDENTITY, audience: str = DEVOPS_APP) -> str:
        key = f"{client_id} {audience}"
        if key not in _TOKENS:
            _TOKENS[key] = self.twin.control.mint(client_id, audience)
        return _TOKENS[key]

    def control(self, command: str, **values: Any) -> Any:
        return self.twin.control.call(f"devops.{command}", **values)

    def write(self, text: str, name: str = "train") -> int:
        """Write the file of a pipeline; return the pipeline's id."""
        path = self.repository / "azure-pipelines" / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return PIPELINES[name]


_TOKENS: dict[str, str] = {}


@pytest.fixture(scope="session")
def devops_twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTwin]:
    with running_twin(tmp_path_factory.mktemp("devops-twin")) as started:
        yield started
    _TOKENS.clear()


@pytest.fixture
def lab(devops_twin: RunningTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Return a lab whose twin this process is a client of; what a test orders ends with it."""
    for name, value in devops_twin.environment.items():
        monkeypatch.setenv(name, value)
    # The package reads AZURE_DEVOPS_CACHE_DIR when it is imported, which may be long ago.
    for name in ("OPTIONS_CACHE", "RESOURCE_CACHE"):
        cache = getattr(_file_cache, name)
        monkeypatch.setattr(cache, "file_name", str(tmp_path / f"{name}.json"))
        monkeypatch.setattr(cache, "data", {})
    Client._locations_cache.clear()
    lab = Lab(devops_twin, tmp_path / "repository")
    lab.repository.mkdir()
    lab.control("repository", path=str(lab.repository))
    with closing_sessions():
        yield lab
    devops_twin.control.clear_faults()
    lab.control("set_pool", parallel=10, delay_s=0, is_paused=False)
    lab.control("set_throttle", cost=0)
    lab.control("rights", who=BOT_IDENTITY, grant=ALL_RIGHTS, pipelines=None)
    for build in lab.control("list_runs"):
        lab.control("delete", run=build["id"])


ALL_RIGHTS = [
    "View builds",
    "Queue builds",
    "Stop builds",
    "Update build information",
    "Edit subscriptions",
    "View subscriptions",
]
