"""Events wake the loop, once each, whoever may send them and whatever they say."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, encode_basic_auth

from bot.adapters.memory import MemoryStore
from bot.errors import UnauthenticatedError
from bot.web.hooks import AZURE_ML, DEVOPS, ROLE, Hooks
from bot.web.problems import problems
from tests.bot.conftest import RecordingBell
from tests.serving import serving

WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w"
)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": encode_basic_auth(user, password)}


GOOD = basic("azure-devops", "right")
TOKEN = {"Authorization": "Bearer of-event-grid"}
TOKENS: Mapping[str, Mapping[str, Any]] = {
    "of-event-grid": {"roles": [ROLE]},
    "of-somebody": {"roles": ["Researcher"]},
}


async def verify(token: str) -> Mapping[str, Any]:
    if token not in TOKENS:
        raise UnauthenticatedError("The token is not valid.")
    return TOKENS[token]


class Door:
    """The two addresses served on loopback, and the bell behind them."""

    def __init__(self, url: str, session: ClientSession, bell: RecordingBell) -> None:
        self.url, self.session, self.bell = url, session, bell

    async def send(self, path: str, body: Any, **how: Any) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.url + path, data=data, **how) as answer:
            return answer.status

    async def answer(self, body: Any) -> Any:
        async with self.session.post(self.url + AZURE_ML, json=body, headers=TOKEN) as answer:
            assert answer.status == 200
            return await answer.json()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    bell, store = RecordingBell(), MemoryStore()
    hooks = Hooks(
        bell=bell,
        claim=store.claim,
        now=lambda: datetime(2026, 11, 25, tzinfo=UTC),
        user="azure-devops",
        password="right",
        verify=verify,
        workspace=WORKSPACE,
    )
    async with (
        serving(*hooks.routes(), middlewares=[problems]) as url,
        ClientSession() as session,
    ):
        yield Door(url, session, bell)


def ml_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"event-{number}",
        "topic": WORKSPACE,
        "subject": "experiments/e/runs/r",
        "eventType": "Microsoft.MachineLearningServices.RunStatusChanged",
        "eventTime": "2026-11-25T09:00:00Z",
        "data": {},
        **changes,
    }


def cloud_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    event = ml_event(number)
    return {
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "specversion": "1.0",
        **changes,
    }


async def test_a_service_hook_wakes_the_loop(door: Door) -> None:
    event = {"id": "e1", "eventType": "ms.vss-pipelines.run-state-changed-event"}
    assert await door.send(DEVOPS, event, headers=GOOD) == 200
    assert door.bell.rung == ["wake"]


async def test_an_event_delivered_twice_wakes_once(door: Door) -> None:
    for _ in range(2):
        assert await door.send(DEVOPS, {"id": "e1"}, headers=GOOD) == 200
        assert await door.send(AZURE_ML, [ml_event()], headers=TOKEN) == 200
    assert door.bell.rung == ["wake", "wake"]


@pytest.mark.parametrize("headers", [{}, basic("azure-devops", "wrong"), basic("x", "right")])
async def test_a_service_hook_without_our_password_is_refused(door: Door, headers) -> None:
    assert await door.send(DEVOPS, {"id": "e1"}, headers=headers) == 401
    assert door.bell.rung == []


@pytest.mark.parametrize("header", ["", "Basic", "Basic ???", "Bearer x", "Basic eA=="])
async def test_a_broken_authorization_is_refused_and_no_bug(door: Door, header: str) -> None:
    assert await door.send(DEVOPS, {"id": "e1"}, headers={"Authorization": header}) == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"id": 3}', b'{"id": ""}'])
async def test_what_is_no_event_is_malformed(door: Door, body: bytes) -> None:
    assert await door.send(DEVOPS, body, headers=GOOD) == 400


@pytest.mark.parametrize("event", [ml_event(), cloud_event()])
async def test_both_schemas_of_event_grid_wake_the_loop(door: Door, event) -> None:
    assert await door.send(AZURE_ML, [event], headers=TOKEN) == 200
    assert door.bell.rung == ["wake"]


async def test_a_single_cloud_event_needs_no_list(door: Door) -> None:
    assert await door.send(AZURE_ML, cloud_event(), headers=TOKEN) == 200
    assert door.bell.rung == ["wake"]


async def test_a_batch_wakes_once(door: Door) -> None:
    assert await door.send(AZURE_ML, [ml_event(1), ml_event(2)], headers=TOKEN) == 200
    assert door.bell.rung == ["wake"]


@pytest.mark.parametrize(
    "event",
    [
        ml_event(topic="/subscriptions/another/workspaces/w"),
        ml_event(eventType="Microsoft.Storage.BlobCreated"),
        cloud_event(source="/subscriptions/another"),
    ],
)
async def test_events_of_others_are_taken_and_wake_nobody(door: Door, event) -> None:
    assert await door.send(AZURE_ML, [event], headers=TOKEN) == 200
    assert door.bell.rung == []


async def test_the_workspace_is_ours_however_it_is_written(door: Door) -> None:
    assert await door.send(AZURE_ML, [ml_event(topic=WORKSPACE.upper())], headers=TOKEN) == 200
    assert door.bell.rung == ["wake"]


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("Bearer forged", 401), ("Bearer of-somebody", 403)]
)
async def test_event_grid_without_its_token_is_refused(door: Door, token, status) -> None:
    headers = {"Authorization": token} if token else {}
    assert await door.send(AZURE_ML, [ml_event()], headers=headers) == status
    assert door.bell.rung == []


async def test_the_handshake_of_event_grid_is_answered(door: Door) -> None:
    event = {
        "id": "v1",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6"},
    }
    assert await door.answer([event]) == {"validationResponse": "512d38b6"}
    assert door.bell.rung == []


async def test_the_handshake_of_cloud_events_is_answered(door: Door) -> None:
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    async with door.session.options(door.url + AZURE_ML, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    async with door.session.options(door.url + AZURE_ML) as answer:
        assert answer.status == 400


async def test_microsofts_own_samples_are_understood(door: Door, repository: Path) -> None:
    folder = repository.parent / "shared" / "reference" / "events"
    if not folder.exists():
        pytest.skip("Microsoft's samples are not here (../shared/reference/events)")
    for path in sorted(folder.glob("aml.*.json")):
        assert await door.send(AZURE_ML, path.read_bytes(), headers=TOKEN) == 200, path.name
    for path in sorted(folder.glob("ado.*.json")):
        assert await door.send(DEVOPS, path.read_bytes(), headers=GOOD) == 200, path.name
    sent = json.loads((folder / "eventgrid.subscription-validation.request.json").read_text())
    wanted = json.loads((folder / "eventgrid.subscription-validation.response.json").read_text())
    assert await door.answer(sent) == wanted
