"""Small whole values to store, and the two stores to keep them in."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.memory import MemoryStore
from bot.adapters.sql import SqlStore, migrate
from bot.domain.message import Message, MessageState
from bot.domain.people import Person, Role, Thread, ThreadKind
from bot.domain.posts import TextPost
from bot.domain.run import Draft, Event, Plan, Run, Source
from tests.adapters.postgresql_server import PostgresqlServer
from tests.azure_twin.fixtures import azure, twin  # noqa: F401 - fixtures of every adapter's tests
from trainer.contract.spec import RunSpec, spec_hash

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

SPEC = RunSpec.model_validate(
    {
        "recipe": "tiny-sft",
        "name": "first-try",
        "method": "sft",
        "model": {"config": {"hidden_size": 64, "layers": 2, "heads": 4}},
        "data": {"train": {"uri": "builtin:pydoc"}, "max_length": 128},
        "budget": {"steps": 100},
        "eval": {"prompts": ["What is a list?"]},
    }
)
PLAN = Plan(
    parameters=1_000_000,
    trained_parameters=1_000_000,
    steps=100,
    tokens=409_600,
    memory_bytes=2**30,
    seconds_low=20.0,
    seconds=30.0,
    seconds_high=60.0,
    cost_low=0.01,
    cost=0.02,
    cost_high=0.04,
    price_per_hour=2.4,
    currency="EUR",
    basis="table",
)
ADA = Person("00000000-0000-0000-0000-00000000ada0", "tenant-1", "Ada", Role.RESEARCHER)
THREAD = Thread(
    "19:abc@thread.tacv2;messageid=1", "http://127.0.0.1:1/", ThreadKind.CHANNEL, "t", "b"
)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def thread() -> Thread:
    return THREAD


@pytest.fixture
def make_draft() -> Callable[..., Draft]:
    def make(draft_id: str = "run-20261123-aaaaaa", nonce: str = "n1", **changes: Any) -> Draft:
        draft = Draft(draft_id, nonce, ADA, THREAD, SPEC, spec_hash(SPEC), PLAN, None, NOW)
        return replace(draft, **changes)

    return make


@pytest.fixture
def make_run() -> Callable[..., Run]:
    def make(run_id: str = "run-20261123-aaaaaa", age_s: float = 0, **changes: Any) -> Run:
        spec = SPEC.model_copy(update=changes.pop("spec", {}))
        born = NOW - timedelta(seconds=age_s)
        run = Run(run_id, spec, spec_hash(spec), ADA, (THREAD,), PLAN, born)
        return replace(run, **changes)

    return make


@pytest.fixture
def make_event() -> Callable[..., Event]:
    def make(run_id: str = "run-20261123-aaaaaa", kind: str = "state", **changes: Any) -> Event:
        return replace(Event(run_id, NOW, ADA, kind, "It is queued.", Source.BOT), **changes)

    return make


@pytest.fixture
def make_message() -> Callable[..., Message]:
    def make(key: str = "card", age_s: float = 0, **changes: Any) -> Message:
        born = NOW - timedelta(seconds=age_s)
        message = Message(key, THREAD, TextPost("Queued."), MessageState.PENDING, born)
        return replace(message, **changes)

    return make


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'krsp.db'}"


@pytest.fixture
async def sql_store(url: str) -> AsyncIterator[SqlStore]:
    await migrate(url)
    store = await SqlStore.open(url)
    yield store
    await store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """Return a running server; one that does not start fails the test, since skipping hides it."""
    server = PostgresqlServer()
    server.create()
    yield server
    server.remove()


@pytest.fixture
async def postgresql_url(postgresql: PostgresqlServer) -> AsyncIterator[str]:
    """Return the URL of a migrated database."""
    url = await postgresql.new_database(is_migrated=True)
    yield url
    await postgresql.drop_database(url)


@pytest.fixture
async def postgresql_store(postgresql_url: str) -> AsyncIterator[SqlStore]:
    store = await SqlStore.open(postgresql_url)
    yield store
    await store.close()


@asynccontextmanager
async def database(
    request: pytest.FixtureRequest, kind: str, file_url: str, *, is_migrated: bool
) -> AsyncIterator[str]:
    """Yield the URL of a database of this kind; PostgreSQL starts only for a test that wants it."""
    if kind == "sqlite":
        if is_migrated:
            await migrate(file_url)
        yield file_url
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    url = await server.new_database(is_migrated=is_migrated)
    yield url
    await server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest, url: str) -> AsyncIterator[str]:
    """Return the URL of a database with nothing in it, of each kind in turn."""
    async with database(request, request.param, url, is_migrated=False) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
async def migrated_url(request: pytest.FixtureRequest, url: str) -> AsyncIterator[str]:
    """Return the URL of a migrated database, of each kind in turn."""
    async with database(request, request.param, url, is_migrated=True) as made:
        yield made


@pytest.fixture
async def any_sql_store(migrated_url: str) -> AsyncIterator[SqlStore]:
    """Return the store in each database in turn."""
    store = await SqlStore.open(migrated_url)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, url: str) -> AsyncIterator[MemoryStore | SqlStore]:
    """Return each adapter of the port in turn; its suite is `test_store_suite.py`."""
    if request.param == "memory":
        yield MemoryStore()
        return
    async with database(request, request.param, url, is_migrated=True) as made:
        kept = await SqlStore.open(made)
        yield kept
        await kept.close()
