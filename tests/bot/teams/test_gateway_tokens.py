"""Tokens as the channel signs them, verified against keys that were made here."""

import time

import pytest

from bot.adapters.clock import ManualClock
from bot.teams.authentication import AppIdentity, TokenRequired
from bot.teams.keys import SigningKeys
from tests.bot.teams.loopback_teams import APP_ID


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def guarded(make_bot, issuer, clock):
    keys = SigningKeys(clock, metadata_url=f"{issuer.url}/metadata", timeout_s=2)
    keeper = TokenRequired(AppIdentity("SingleTenant", APP_ID, "tenant-1"), keys)
    async with make_bot(keeper=keeper) as bot:
        yield bot


async def post(guarded, activity, token):
    status, _ = await guarded.post(activity, Authorization=f"Bearer {token}")
    assert bool(guarded.ears.turns) == (status == 200)
    guarded.ears.turns.clear()
    return status


async def test_a_valid_token_lets_the_activity_in(guarded, activity, issuer):
    assert await post(guarded, activity(), issuer.token()) == 200


async def test_the_keys_are_fetched_once_for_many_activities(guarded, activity, issuer):
    for _ in range(3):
        await post(guarded, activity(), issuer.token())
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -1000},
        {"exp": None},
        {"nbf": 1000},
        {"aud": "somebody-else"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"kid": None},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_now_is_unauthenticated(guarded, activity, issuer, claims):
    claims = {k: in_seconds(v) if isinstance(v, int) else v for k, v in claims.items()}
    assert await post(guarded, activity(), issuer.token(**claims)) == 401


@pytest.mark.parametrize("claims", [{"serviceurl": "https://evil.example/"}, {"serviceurl": None}])
async def test_a_token_of_another_service_is_forbidden(guarded, activity, issuer, claims):
    assert await post(guarded, activity(), issuer.token(**claims)) == 403


async def test_a_service_that_differs_by_its_last_slash_is_the_same(guarded, activity, issuer):
    token = issuer.token(serviceurl="http://127.0.0.1:9")
    assert await post(guarded, activity(), token) == 200


async def test_clocks_may_differ_by_minutes(guarded, activity, issuer):
    assert (
        await post(guarded, activity(), issuer.token(exp=in_seconds(-60), nbf=in_seconds(60)))
        == 200
    )


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "", "eyJhbGciOiJub25lIn0.e30."])
async def test_garbage_is_unauthenticated(guarded, activity, token):
    assert await post(guarded, activity(), token) == 401


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "bearer  "])
async def test_a_request_without_a_bearer_token_is_unauthenticated(guarded, activity, header):
    status, problem = await guarded.post(activity(), Authorization=header)
    assert status == 401
    assert problem["code"] == "unauthenticated"


async def test_an_absent_header_is_unauthenticated(guarded, activity):
    status, _ = await guarded.post(activity())
    assert status == 401


async def test_a_signature_by_another_key_is_unauthenticated(guarded, activity, issuer):
    issuer.publish("key-2")
    assert await post(guarded, activity(), issuer.token(kid="key-1", signed_by="key-2")) == 401


async def test_a_key_that_may_not_speak_for_the_channel_is_refused(guarded, activity, issuer):
    assert await post(guarded, activity(channelId="webchat"), issuer.token()) == 401


async def test_a_key_without_endorsements_speaks_for_nobody(guarded, activity, issuer):
    issuer.publish("bare", endorsements=[])
    assert await post(guarded, activity(), issuer.token(kid="bare")) == 401


async def test_an_unknown_key_is_unauthenticated_and_asked_for_once_an_hour(
    guarded, activity, issuer, clock
):
    issuer.secret["made-up"] = issuer.secret["key-1"]
    for _ in range(3):
        assert await post(guarded, activity(), issuer.token(kid="made-up")) == 401
        clock.advance(60)
    assert issuer.asked == 1
    clock.advance(3600)
    for _ in range(3):
        assert await post(guarded, activity(), issuer.token(kid="made-up")) == 401
    assert issuer.asked == 2


async def test_a_rotated_key_is_found_after_an_hour_without_a_restart(
    guarded, activity, issuer, clock
):
    assert await post(guarded, activity(), issuer.token()) == 200
    issuer.published.clear()
    issuer.publish("key-2")
    clock.advance(3601)
    assert await post(guarded, activity(), issuer.token(kid="key-2")) == 200


async def test_a_withdrawn_key_is_forgotten_within_a_day(guarded, activity, issuer, clock):
    assert await post(guarded, activity(), issuer.token()) == 200
    issuer.published.clear()
    issuer.publish("key-2")
    clock.advance(24 * 3600)
    assert await post(guarded, activity(), issuer.token()) == 401


async def test_while_no_keys_can_be_fetched_the_channel_is_asked_to_come_again(
    guarded, activity, issuer, clock
):
    issuer.fails = True
    assert await post(guarded, activity(), issuer.token()) == 503
    issuer.fails = False
    clock.advance(11)
    assert await post(guarded, activity(), issuer.token()) == 200


async def test_known_keys_stay_in_use_while_newer_ones_cannot_be_fetched(
    guarded, activity, issuer, clock
):
    assert await post(guarded, activity(), issuer.token()) == 200
    issuer.fails = True
    clock.advance(25 * 3600)
    assert await post(guarded, activity(), issuer.token()) == 200


async def test_a_click_needs_a_token_too(guarded, invoke):
    status, _ = await guarded.post(invoke({"action": "start"}))
    assert status == 401
    assert guarded.ears.turns == []


async def test_with_sign_in_a_token_is_no_pass_for_another_tenant(guarded, activity, issuer):
    raw = activity(channelData={"tenant": {"id": "tenant-2"}})
    assert await post(guarded, raw, issuer.token()) == 403
