"""What a provider publishes: looked at seldom, at once for a new key, never believed blindly."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.clock import ManualClock
from bot.errors import UnauthenticatedError, UnavailableError
from bot.oidc import Provider
from tests.bot.web.entra_lab import TENANT, Entra, jwk


@pytest.fixture
async def entra() -> AsyncIterator[Entra]:
    async with Entra(ManualClock()).served() as entra:
        yield entra


@pytest.fixture
def provider(entra) -> Provider:
    return Provider(entra.issuer, entra.clock)


async def test_its_addresses_and_keys_are_asked_for_once(entra, provider):
    metadata = await provider.metadata()
    await asyncio.gather(*(provider.find("key-1") for _ in range(10)))
    assert metadata.token_endpoint == f"{entra.url}/token"
    assert entra.looked_at == 1


async def test_it_is_asked_again_after_a_day(entra, provider):
    await provider.metadata()
    entra.clock.advance(timedelta(days=1).total_seconds())
    await provider.metadata()
    assert entra.looked_at == 2


async def test_a_new_key_is_found_soon_after_a_rotation(entra, provider):
    await provider.find("key-1")
    entra.published = ["key-2"]
    entra.clock.advance(300)
    assert await provider.find("key-2")
    with pytest.raises(UnauthenticatedError, match="nobody published"):
        await provider.find("key-1")


async def test_made_up_keys_do_not_make_us_ask_each_time(entra, provider):
    await provider.find("key-1")
    for number in range(20):
        with pytest.raises(UnauthenticatedError):
            await provider.find(f"made-up-{number}")
        entra.clock.advance(1)
    assert entra.looked_at == 1


async def test_known_keys_stay_in_use_while_it_does_not_answer(entra, provider):
    await provider.find("key-1")
    entra.fails = True
    entra.clock.advance(timedelta(days=2).total_seconds())
    assert await provider.find("key-1")


async def test_without_any_answer_nobody_is_refused_for_good(entra, provider):
    entra.fails = True
    with pytest.raises(UnavailableError, match="does not answer"):
        await provider.metadata()
    entra.fails = False
    with pytest.raises(UnavailableError):
        await provider.metadata()  # not hammered: the next look comes after ten seconds
    entra.clock.advance(10)
    assert await provider.metadata()


async def test_nobody_at_the_address_is_unavailable(unused_tcp_port):
    provider = Provider(f"http://127.0.0.1:{unused_tcp_port}", ManualClock())
    with pytest.raises(UnavailableError):
        await provider.find("key-1")


@pytest.fixture
async def served() -> AsyncIterator[dict[str, object]]:
    """Serve whatever a test puts at `metadata` and `keys`; `url` is the issuer."""
    said: dict[str, object] = {}

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(said[request.match_info["what"]])

    app = web.Application()
    app.add_routes([web.get("/.well-known/{what}", answer)])
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        said |= {"url": url, "keys": {"keys": [jwk("key-1")]}}
        said["openid-configuration"] = {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/.well-known/keys",
        }
        yield said


@pytest.mark.parametrize(
    "metadata", [[], "text", {}, {"issuer": "https://evil.example"}, {"issuer": 7}, None]
)
async def test_who_calls_itself_otherwise_or_talks_nonsense_is_not_believed(served, metadata):
    good = served["openid-configuration"]
    served["openid-configuration"] = (
        good | metadata if isinstance(metadata, dict) and metadata else metadata
    )
    with pytest.raises(UnavailableError):
        await Provider(str(served["url"]), ManualClock()).metadata()


async def test_keys_of_other_issuers_do_not_sign_for_ours(served):
    url = str(served["url"])
    served["keys"] = {
        "keys": [
            jwk("key-1", issuer="https://login.example/9188040d/v2.0"),
            jwk("key-2", issuer="https://login.example/{tenantid}/v2.0"),
            jwk("key-2", issuer="https://login.example/9188040d/v2.0"),
            {"kid": "broken", "kty": "RSA", "n": "!", "e": "!"},
        ]
    }
    provider = Provider(url, ManualClock())
    assert await provider.find("key-2")
    for other in ("key-1", "broken"):
        with pytest.raises(UnauthenticatedError):
            await provider.find(other)


async def test_a_provider_without_a_way_out_says_so(served):
    metadata = await Provider(str(served["url"]), ManualClock()).metadata()
    assert metadata.end_session_endpoint == ""
    assert TENANT not in metadata.issuer
