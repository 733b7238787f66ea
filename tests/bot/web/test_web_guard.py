"""Who may talk to the site at all: hosts, origins, headers, cookies."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.web.sign_in.picked import COOKIE, sign


def cookies(value: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={value}"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:5173",
        "localhost",
        "localhost:3978",
        "[::1]:3978",
        "krsp.example:3978",
    ],
)
async def test_our_own_names_are_served(site, host):
    assert (await site.get("me", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "krsp.example", "127.0.0.1.evil.example", "localhost@evil.example", "a b", ""],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/healthz", "/api/v1/events?topics=runs"])
async def test_a_foreign_host_is_misdirected(site, host, path):
    answer = await site.client.get(path, headers={"Host": host})
    body = await site.refused(answer, 421, "misdirected")
    assert "http://krsp.example:3978" in body["detail"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://krsp.example:3978"]
)
async def test_a_page_of_another_origin_is_refused(site, origin):
    for answer in (
        await site.get("me", headers={"Origin": origin}),
        await site.post("sign-out", headers={"Origin": origin}),
    ):
        await site.refused(answer, 403, "foreign_origin")


async def test_our_own_pages_and_the_console_are_not(site):
    own = f"http://127.0.0.1:{site.client.port}"
    for headers in ({"Origin": own}, {"Origin": "http://krsp.example:3978"}, {}):
        assert (await site.post("sign-out", headers=headers)).status == 200


async def test_in_the_cloud_only_the_public_name_and_origin_count(cloud_site):
    public = {"Host": "krsp.example"}
    assert (await cloud_site.get("/auth/signed-out", headers=public)).status == 200
    assert (await cloud_site.get("/auth/signed-out")).status == 421
    plain = await cloud_site.get("/", headers={**public, "Origin": "http://krsp.example"})
    assert plain.status == 403


async def test_in_the_cloud_the_platform_asks_for_health_by_address(cloud_site):
    assert (await cloud_site.get("/healthz")).status == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/api/v1/nothing", "/healthz", "/metrics"])
async def test_every_answer_tells_the_browser_what_it_may_do(site, path):
    headers = (await site.client.get(path)).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


async def test_teams_may_frame_the_page_in_the_cloud_only(cloud_site):
    headers = (await cloud_site.get("/healthz")).headers
    assert "https://teams.microsoft.com" in headers["Content-Security-Policy"]


async def test_nobody_is_signed_in_at_first_and_is_asked(site, people):
    me = await (await site.get("me")).json()
    assert me["person"] is None
    assert me["rights"] == []
    assert [person["name"] for person in me["people"]] == [p.name for p in people.values()]
    assert "does not protect" in me["notice"]
    assert (me["profile"], me["currency"]) == ("local", "EUR")


async def test_signing_in_and_out_is_remembered_by_the_browser(site):
    await site.sign_in("megan")
    me = await (await site.get("me")).json()
    assert me["person"]["name"] == "Megan Bowen"
    assert any("Approve" in right for right in me["rights"])
    await site.post("sign-out")
    assert (await (await site.get("me")).json())["person"] is None


async def test_the_cookie_is_for_this_site_and_not_for_scripts(site, people):
    answer = await site.post("sign-in", {"person_id": people["alex"].id})
    said = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(said.split("; "))


async def test_signing_in_as_somebody_unknown_names_who_there_is(site):
    answer = await site.post("sign-in", {"person_id": "nobody"})
    body = await site.refused(answer, 422, "invalid_input")
    assert "Alex Wilber" in body["detail"]
    assert body["errors"][0]["loc"] == "person_id"


async def test_in_the_cloud_nobody_picks_who_they_are(cloud_site, people):
    headers = {"Host": "krsp.example"}
    answer = await cloud_site.post("sign-in", {"person_id": people["alex"].id}, headers=headers)
    await cloud_site.refused(answer, 404, "not_found")


@pytest.mark.parametrize("forge", ["other secret", "other person", "no mac", "noise", "too old"])
async def test_a_forged_cookie_is_nobody(site, people, secret, forge):
    now, alex, megan = site.clock.now(), people["alex"], people["megan"]
    good = sign(secret, alex, now)
    value = {
        "other secret": sign(b"x" * 32, alex, now),
        "other person": f"{sign(secret, megan, now).partition('.')[0]}.{good.partition('.')[2]}",
        "no mac": good.partition(".")[0],
        "noise": "%F0%9F.é.",
        "too old": sign(secret, alex, now - timedelta(days=31)),
    }[forge]
    assert (await (await site.get("me", headers=cookies(good))).json())["person"] is not None
    assert (await (await site.get("me", headers=cookies(value))).json())["person"] is None
    answer = await site.post("drafts", {}, headers=cookies(value))
    await site.refused(answer, 401, "unauthenticated")


async def test_a_person_who_was_removed_is_nobody(site, people, secret):
    gone = replace(people["alex"], id="00000000-0000-0000-0000-0000000000ff")
    value = sign(secret, gone, site.clock.now())
    assert (await (await site.get("me", headers=cookies(value))).json())["person"] is None


async def test_a_request_without_a_host_is_refused(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.client.port)
    writer.write(b"GET /api/v1/me HTTP/1.0\r\n\r\n")
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert b" 421 " in status
