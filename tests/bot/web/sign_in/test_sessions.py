"""A session: whose requests count, from which pages, until when."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.people import Person, Role
from bot.web.sign_in.seals import Seal
from tests.bot.web.entra_lab import ADA, PAGE_TOKEN, PUBLIC, SESSION, SESSION_KEY, TENANT, Browser

READS = [
    "me",
    "runs",
    "recipes",
    "events?topics=runs",
    "runs/x/log.txt",
    "runs/x/results",
    "runs/x/results/model/a",
    "openapi.json",
]
WRITES = ["drafts", "runs/x/cancel", "runs/x/approve", "drafts/x/start"]


@pytest.fixture
async def signed_in(browser, entra) -> Browser:
    await browser.sign_in(entra)
    return browser


@pytest.mark.parametrize("path", READS)
async def test_nobody_reads(browser, cloud_site, path):
    answer = await browser.get(path)
    body = await cloud_site.refused(answer, 401, "sign_in_needed")
    assert "/auth/sign-in" in body["detail"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", WRITES)
async def test_nobody_changes_anything(browser, cloud_site, path):
    await cloud_site.refused(await browser.post(path), 401, "sign_in_needed")


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/run-1", "/assets/a.js"])
async def test_the_page_itself_may_load(browser, path):
    assert (await browser.get(path)).status in {200, 404, 503}  # 503: not built here


async def test_the_probes_have_their_own_door(cloud_site):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await cloud_site.get(path)).status == 200


async def test_a_person_who_signed_in_reads_and_changes(signed_in):
    assert (await signed_in.get("runs")).status == 200
    asked = {"recipe": "tiny-sft", "nonce": "nonce-0001"}
    draft = await signed_in.post("drafts", asked)
    assert (await draft.json())["requester"]["id"] == ADA


async def test_a_session_is_over_after_twelve_hours_however_busy(signed_in, entra):
    for _ in range(11):
        entra.clock.advance(3600)
        assert (await signed_in.get("me")).status == 200
    entra.clock.advance(3601)
    assert (await signed_in.get("me")).status == 401


async def test_a_session_is_over_when_the_role_is_forgotten(signed_in, cloud_site):
    await cloud_site.directory.forget(ADA, TENANT)
    assert (await signed_in.get("me")).status == 401


async def test_a_role_that_changed_counts_at_the_next_request(signed_in, cloud_site, entra):
    person = Person(ADA, TENANT, "Ada", Role.ADMIN)
    await cloud_site.directory.remember(person, entra.clock.now() + timedelta(hours=1))
    assert (await (await signed_in.get("me")).json())["person"]["role"] == "admin"


async def test_signing_out_ends_the_session_wherever_its_cookie_went(signed_in, entra):
    stolen = dict(signed_in.cookies)
    answer = await signed_in.post("/auth/sign-out")
    location = (await answer.json())["location"]
    assert location.startswith(f"{entra.url}/logout?")
    assert "post_logout_redirect_uri=https%3A%2F%2Fkrsp.example%2Fauth%2Fsigned-out" in location
    assert not signed_in.cookies
    signed_in.cookies = stolen
    assert (await signed_in.get("me")).status == 401


async def test_signing_out_needs_our_own_page_too(signed_in, cloud_site):
    answer = await signed_in.post("/auth/sign-out", X_KRSP_Token="")
    await cloud_site.refused(answer, 403, "foreign_page")
    assert (await signed_in.get("me")).status == 200


async def test_nobody_can_sign_out_and_see_the_last_page(browser):
    assert (await browser.post("/auth/sign-out")).status == 200
    page = await browser.get("/auth/signed-out")
    assert "You are signed out here" in await page.text()


async def test_each_sign_in_is_a_session_of_its_own(signed_in, entra):
    before = dict(signed_in.cookies)
    await signed_in.sign_in(entra)
    assert signed_in.cookies[SESSION] != before[SESSION]
    assert signed_in.cookies[PAGE_TOKEN] != before[PAGE_TOKEN]


def sealed(secret: str, purpose: str, entra, **changes) -> str:
    said = {"id": "s", "of": [ADA, TENANT], "at": int(entra.clock.now().timestamp())} | changes
    return Seal(secret.encode(), purpose, timedelta(hours=12)).close(said, entra.clock.now())


async def test_a_cookie_that_we_would_make_counts(browser, entra, cloud_site):
    """The forgeries below differ from this one in one thing each."""
    until = entra.clock.now() + timedelta(hours=1)
    await cloud_site.directory.remember(Person(ADA, TENANT, "Ada", Role.ADMIN), until)
    browser.cookies = {SESSION: sealed(SESSION_KEY, "session", entra)}
    assert (await browser.get("me")).status == 200


@pytest.mark.parametrize(
    "forge", ["other key", "other purpose", "one letter", "cut", "empty", "noise", "other name"]
)
async def test_a_forged_cookie_is_nobody_in_the_cloud(signed_in, entra, forge):
    good = signed_in.cookies[SESSION]
    at = len(good) // 2
    signed_in.cookies = {
        "other key": {SESSION: sealed("x" * 32, "session", entra)},
        "other purpose": {SESSION: sealed(SESSION_KEY, "sign-in", entra)},
        "one letter": {SESSION: good[:at] + ("a" if good[at] != "a" else "b") + good[at + 1 :]},
        "cut": {SESSION: good[:-20]},
        "empty": {SESSION: ""},
        "noise": {SESSION: "gAAAAA==.\u00e9"},
        "other name": {"krsp_session": good},  # without the prefix a neighbour could set it
    }[forge]
    assert (await signed_in.get("me")).status == 401


FOREIGN = {
    "no token": {"X_KRSP_Token": None},
    "empty token": {"X_KRSP_Token": ""},
    "made-up token": {"X_KRSP_Token": "0" * 64},
    "no sign of a page": {"Sec_Fetch_Site": None, "Origin": None},
    "neighbour": {"Sec_Fetch_Site": "same-site"},
    "another site": {"Sec_Fetch_Site": "cross-site"},
    "typed address": {"Sec_Fetch_Site": "none"},
}


@pytest.mark.parametrize("what", FOREIGN)
async def test_a_request_that_our_page_did_not_send_changes_nothing(signed_in, cloud_site, what):
    asked = {"recipe": "tiny-sft", "nonce": "nonce-0001"}
    answer = await signed_in.post("drafts", asked, **FOREIGN[what])
    await cloud_site.refused(answer, 403, "foreign_page")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://krsp.example", f"{PUBLIC}:444"]
)
async def test_a_page_of_another_origin_changes_nothing(signed_in, cloud_site, origin):
    answer = await signed_in.post("drafts", {}, Origin=origin)
    await cloud_site.refused(answer, 403, "foreign_origin")


async def test_an_old_browser_without_fetch_metadata_still_works(signed_in):
    asked = {"recipe": "tiny-sft", "nonce": "nonce-0001"}
    assert (await signed_in.post("drafts", asked, Sec_Fetch_Site=None)).status == 200


async def test_anothers_token_does_not_fit_my_session(signed_in, cloud_site, entra):
    other = Browser(cloud_site)
    await other.sign_in(entra, oid="id-of-grace")
    answer = await signed_in.post("drafts", {}, X_KRSP_Token=other.cookies[PAGE_TOKEN])
    await cloud_site.refused(answer, 403, "foreign_page")


async def test_a_stream_ends_when_its_session_does(signed_in, cloud_site, entra):
    async with asyncio.timeout(20):
        answer = await signed_in.get("events?topics=runs")
        assert answer.status == 200
        cloud_site.bell.ring("runs")
        entra.clock.advance(timedelta(hours=12).total_seconds() + 1)
        cloud_site.bell.ring("runs")
        text = await answer.content.read()
        assert b"event: hint" in text


async def test_a_stream_goes_on_while_the_session_does(signed_in, cloud_site, entra):
    async with asyncio.timeout(20):
        answer = await signed_in.get("events?topics=runs")
        for _ in range(3):
            entra.clock.advance(60)
            cloud_site.bell.ring("runs")
            while not (await answer.content.readline()).startswith(b"data:"):
                pass
        answer.close()
