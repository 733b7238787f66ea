"""The real service over the memory adapters, behind the web layer, on a loopback port."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from bot.adapters.bell import LocalBell
from bot.adapters.clock import ManualClock
from bot.adapters.directory import ListedDirectory, StoreDirectory
from bot.adapters.memory import (
    MemoryJobs,
    MemoryPipelines,
    MemoryRegistry,
    MemoryStore,
    MemoryTracking,
)
from bot.adapters.memory.people import MemoryPeople
from bot.adapters.sampler import OptunaSampler
from bot.domain.people import Person, Role
from bot.domain.policy import Policy
from bot.errors import InputError
from bot.ports.directory import Directory
from bot.service import BaseFolder, DataFile, HubModel, Service, World
from bot.web.endpoint import Web
from bot.web.routes import add_routes
from bot.web.sign_in.composition import Around, sign_in_of
from bot.web.sign_in.identity import Door
from bot.web.sign_in.picked import PickedDoor, Picking
from tests.bot.web.entra_lab import PUBLIC, Browser, Entra, LabSettings
from trainer.contract.spec import ModelSpec

TENANT = "00000000-0000-0000-0000-0000000000f0"
PEOPLE = {
    "alex": Person("00000000-0000-0000-0000-0000000000a1", TENANT, "Alex Wilber", Role.RESEARCHER),
    "megan": Person("00000000-0000-0000-0000-0000000000a2", TENANT, "Megan Bowen", Role.APPROVER),
    "nestor": Person("00000000-0000-0000-0000-0000000000a3", TENANT, "Nestor Wilke", Role.ADMIN),
}
NOTICE = "Four eyes shows how it works here; it does not protect."
SECRET = b"0123456789abcdef0123456789abcdef"


async def find_data(uri: str) -> DataFile | None:
    if uri.startswith("builtin:"):
        return None
    raise InputError(f"There is no file {uri}.")


async def find_folder(uri: str) -> BaseFolder:
    raise InputError(f"There is no folder {uri}.")


async def find_model(model: ModelSpec) -> HubModel:
    raise InputError(f"The hub has no model {model.source}.")


class Site:
    """The running site, and what stands behind it."""

    def __init__(
        self, root: Path, policy: Policy, *, port: int | None = None, **changes: Any
    ) -> None:
        self.clock = changes.pop("clock", None) or ManualClock()
        self.store, self.tracking = MemoryStore(), MemoryTracking()
        self.jobs = MemoryJobs()
        self.directory: Directory = ListedDirectory(tuple(PEOPLE.values()))
        if changes.get("profile") == "azure":
            self.directory = StoreDirectory(MemoryPeople(), self.clock)
        self.bell, self.dist = LocalBell(every_s=0.0), root / "dist"
        world = World(
            store=self.store,
            tracking=self.tracking,
            pipelines=MemoryPipelines(),
            jobs=self.jobs,
            schedules=self.store.schedules,
            promotions=self.store.promotions,
            sweeps=self.store.sweeps,
            sampler=OptunaSampler(),
            registry=MemoryRegistry(),
            clock=self.clock,
            bell=self.bell,
            policy=policy,
            directory=self.directory,
            is_local=changes.get("profile") != "azure",
            find_data=find_data,
            find_folder=find_folder,
            find_model=find_model,
        )
        self.service = Service(world)
        settings: dict[str, Any] = {
            "service": self.service,
            "bell": self.bell,
            "now": self.clock.now,
            "door": self._door(changes.pop("sign_in", None)),
            "dist": self.dist,
            "public_url": "http://krsp.example:3978",
            "notice": NOTICE,
        }
        self.web = Web(**{**settings, **changes})
        self.app = web.Application()
        add_routes(self.app, self.web)
        self.client: TestClient[web.Request, web.Application] = TestClient(
            TestServer(self.app, port=port)
        )

    def _door(self, settings: LabSettings | None) -> Door:
        if settings is None:
            return PickedDoor(Picking(SECRET, self.directory, self.clock.now))
        return sign_in_of(settings, Around(self.directory, self.store, self.clock))

    async def get(self, path: str, **options: Any) -> ClientResponse:
        return await self.client.get(_below(path), **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> ClientResponse:
        return await self.client.post(_below(path), json={} if body is None else body, **options)

    async def refused(self, answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
        """Check that the answer is a whole problem+json; return it."""
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/problem+json"
        body: dict[str, Any] = await answer.json()
        assert body.keys() == {"type", "code", "title", "status", "detail", "instance", "errors"}
        assert (body["status"], body["code"]) == (status, code)
        assert body["instance"].partition("#")[0] == answer.url.path
        assert body["title"]
        assert body["detail"][-1] in ".?"
        assert "Traceback" not in body["detail"]
        return body

    async def sign_in(self, name: str) -> None:
        answer = await self.post("sign-in", {"person_id": PEOPLE[name].id})
        assert answer.status == 200

    async def draft(self, nonce: str = "nonce-0001", **changes: Any) -> dict[str, Any]:
        answer = await self.post(
            "drafts", {"recipe": "tiny-sft", "changes": changes, "nonce": nonce}
        )
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())

    async def run(self, nonce: str = "nonce-0001", **changes: Any) -> str:
        """Start a run as Alex; return its id and sign out again."""
        await self.sign_in("alex")
        draft = await self.draft(nonce, **changes)
        answer = await self.post(f"drafts/{draft['id']}/start")
        assert answer.status == 200, await answer.text()
        await self.post("sign-out")
        self.clock.advance(1)
        return str(draft["id"])

    async def dear_run(self) -> str:
        """Start a run as Alex that another person must agree to."""
        return await self.run("nonce-dear", steps=160_000)


def _below(path: str) -> str:
    return path if path.startswith("/") else f"/api/v1/{path}"


@pytest.fixture(scope="session")
def policy(repository: Path) -> Policy:
    text = (repository / "bot/defaults/policy.yaml").read_text("utf-8")
    body: Mapping[str, Any] = yaml.safe_load(text)
    return Policy.model_validate(body)


@pytest.fixture
def make_site(tmp_path: Path, policy: Policy) -> Callable[..., AbstractAsyncContextManager[Site]]:
    """Return what opens a site with other settings."""

    @asynccontextmanager
    async def open_site(**settings: Any) -> AsyncIterator[Site]:
        site = Site(tmp_path, policy, **settings)
        async with site.client:
            yield site

    return open_site


@pytest.fixture
async def site(make_site: Callable[..., AbstractAsyncContextManager[Site]]) -> AsyncIterator[Site]:
    async with make_site() as site:
        yield site


@pytest.fixture
async def entra() -> AsyncIterator[Entra]:
    async with Entra(ManualClock()).served() as entra:
        yield entra


@pytest.fixture
async def cloud_site(
    make_site: Callable[..., AbstractAsyncContextManager[Site]], entra: Entra
) -> AsyncIterator[Site]:
    """Return a site of the azure profile; it and `entra` have one clock."""
    settings = LabSettings(authority=entra.url)
    cloud = {"profile": "azure", "public_url": PUBLIC, "notice": "", "clock": entra.clock}
    async with make_site(sign_in=settings, **cloud) as site:
        yield site


@pytest.fixture
def browser(cloud_site: Site) -> Browser:
    """Return a browser that has not signed in."""
    return Browser(cloud_site)


@pytest.fixture(scope="module")
def module_site(
    tmp_path_factory: pytest.TempPathFactory, policy: Policy
) -> Callable[[], AbstractAsyncContextManager[Site]]:
    """Return what opens a site that many tests share."""

    @asynccontextmanager
    async def open_site() -> AsyncIterator[Site]:
        site = Site(tmp_path_factory.mktemp("site"), policy)
        async with site.client:
            yield site

    return open_site


@pytest.fixture
def people() -> Mapping[str, Person]:
    return PEOPLE


@pytest.fixture
def secret() -> bytes:
    return SECRET
