"""Signing in with a browser: the way there and back, and everything that may be wrong on it."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from bot.domain.people import Role
from bot.errors import UnavailableError
from tests.bot.web.entra_lab import ADA, APP, HOST, PUBLIC, SESSION, TENANT, Browser


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


async def test_the_question_asks_for_a_code_with_state_nonce_and_challenge(browser, entra):
    location = await browser.begin()
    asked = query(location)
    assert location.startswith(f"{entra.url}/authorize?")
    assert asked["client_id"] == APP
    assert asked["redirect_uri"] == f"{PUBLIC}/auth/callback"
    assert (asked["response_type"], asked["response_mode"]) == ("code", "query")
    assert asked["scope"] == "openid profile"
    assert asked["code_challenge_method"] == "S256"
    again = query(await browser.begin())
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != again[name]


async def test_nothing_of_the_attempt_can_be_read_from_its_cookie(browser):
    asked = query(await browser.begin())
    (name, value), *more = browser.cookies.items()
    assert not more
    assert name == f"__Host-krsp_sign_in_{asked['state'][:8]}"
    assert asked["state"] not in value
    assert asked["nonce"] not in value


async def test_signing_in_leads_back_to_the_page_and_says_who(browser, entra):
    answer = await browser.sign_in(entra)
    assert answer.status == 303
    assert answer.headers["Location"] == f"{PUBLIC}/runs"
    assert answer.headers["Cache-Control"] == "no-store"
    me = await (await browser.get("me")).json()
    assert me["person"] == {
        "id": ADA,
        "tenant": TENANT,
        "name": "Ada Lovelace",
        "role": "researcher",
    }
    assert (me["profile"], me["people"]) == ("azure", [])


async def test_the_code_goes_to_the_provider_with_verifier_and_proof(browser, entra):
    location = await browser.begin()
    code = entra.approve(location)
    await browser.get(f"/auth/callback?code={code}&state={query(location)['state']}")
    (asked,) = entra.asked
    digest = hashlib.sha256(asked.pop("code_verifier").encode()).digest()
    challenge = query(location)["code_challenge"]
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
    assert asked == {
        "grant_type": "authorization_code",
        "redirect_uri": f"{PUBLIC}/auth/callback",
        "code": code,
        "client_id": APP,
        "client_secret": "lab-secret",
    }


async def test_the_session_cookie_is_for_this_host_and_not_for_scripts(browser, entra):
    answer = await browser.sign_in(entra)
    said = {line.partition("=")[0]: line for line in answer.headers.getall("Set-Cookie")}
    session, token = said[SESSION].split("; "), said["__Host-krsp_token"].split("; ")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= set(session)
    assert {"Secure", "SameSite=Strict", "Path=/"} <= set(token)
    assert "HttpOnly" not in token
    assert not any("Domain" in part for part in session + token)
    assert ADA not in said[SESSION]


async def test_chat_knows_the_role_of_the_sign_in_for_three_days(browser, entra, cloud_site):
    await browser.sign_in(entra, roles=["Approver"])
    person = await cloud_site.directory.find(ADA, TENANT)
    assert person.role is Role.APPROVER
    entra.clock.advance(timedelta(hours=72).total_seconds())
    assert await cloud_site.directory.find(ADA, TENANT) is None


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["Researcher", "Admin", "Approver"], "admin"),
        (["Researcher", "Approver"], "approver"),
        (["Other", "Researcher"], "researcher"),
    ],
)
async def test_the_strongest_of_several_roles_counts(browser, entra, roles, role):
    await browser.sign_in(entra, roles=roles)
    assert (await (await browser.get("me")).json())["person"]["role"] == role


@pytest.mark.parametrize("roles", [None, [], ["Pipeline"], ["admin"], "Admin", [7], {"Admin": 1}])
async def test_somebody_without_a_role_learns_who_can_grant_one(browser, entra, roles):
    answer = await browser.sign_in(entra, roles=roles)
    page = await answer.text()
    assert (answer.status, answer.content_type) == (403, "text/html")
    assert "Ada Lovelace has no role here. An administrator of Entra ID can assign" in page
    assert SESSION not in browser.cookies
    assert (await browser.get("me")).status == 401


async def test_a_role_that_was_taken_away_is_forgotten_by_chat_too(browser, entra, cloud_site):
    await browser.sign_in(entra, roles=["Admin"])
    await Browser(cloud_site).sign_in(entra, roles=[])
    assert await cloud_site.directory.find(ADA, TENANT) is None
    assert (await browser.get("me")).status == 401


async def test_a_name_is_text_and_never_markup(browser, entra):
    answer = await browser.sign_in(entra, roles=[], name="<script>alert(1)</script>\n Ada")
    page = await answer.text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


async def refused(browser: Browser, answer, status: int = 401) -> str:
    """Check that the person gets a page that says why, and no session."""
    assert answer.status == status, await answer.text()
    assert answer.content_type == "text/html"
    assert SESSION not in browser.cookies
    return await answer.text()


FORGED = {
    "other tenant": {"tid": "7e1f0a52-0000-0000-0000-000000000000"},
    "no tenant": {"tid": None},
    "no object id": {"oid": None},
    "empty object id": {"oid": ""},
    "other audience": {"aud": "another-app"},
    "audience of the API": {"aud": f"api://{HOST}/{APP}"},
    "issuer of version 1.0": {"iss": f"https://sts.windows.net/{TENANT}/"},
    "nonce of another attempt": {"nonce": "x" * 64},
    "no nonce": {"nonce": None},
    "key of a stranger": {"signed_by": "stranger"},
    "unknown key": {"kid": "stranger"},
    "expired": {"exp": 1_000_000_000},
}


@pytest.mark.parametrize("forge", FORGED)
async def test_a_forged_id_token_signs_nobody_in(browser, entra, cloud_site, forge):
    await refused(browser, await browser.sign_in(entra, **FORGED[forge]))
    assert await cloud_site.directory.everybody() == []


async def test_the_token_of_another_attempt_signs_nobody_in(browser, entra):
    stolen = entra.mint(nonce="the-nonce-of-somebody-else")
    await refused(browser, await browser.sign_in(entra, token=stolen))


async def test_a_code_counts_once(browser, entra):
    location = await browser.begin()
    callback = f"/auth/callback?code={entra.approve(location)}&state={query(location)['state']}"
    kept = dict(browser.cookies)
    assert (await browser.get(callback)).status == 303
    browser.cookies = kept
    page = await refused(browser, await browser.get(callback))
    assert "it counts once" in page
    assert len(entra.asked) == 1


async def test_a_code_that_the_provider_knows_no_more_signs_nobody_in(browser):
    state = query(await browser.begin())["state"]
    answer = await browser.get(f"/auth/callback?code=made-up&state={state}")
    assert "invalid_grant" in await refused(browser, answer)


async def test_the_answer_to_anothers_question_signs_nobody_in(cloud_site, entra):
    """Login CSRF: a link with an attacker's code would sign their victim in as them."""
    attacker, victim = Browser(cloud_site), Browser(cloud_site)
    location = await attacker.begin()
    await victim.begin()
    callback = f"/auth/callback?code={entra.approve(location)}&state={query(location)['state']}"
    assert "did not begin" in await refused(victim, await victim.get(callback))
    assert not entra.asked


@pytest.mark.parametrize("state", ["", "made-up", "%00", "é", "x" * 5000, "__Host-", ";=,"])
async def test_a_made_up_state_signs_nobody_in(browser, entra, state):
    location = await browser.begin()
    answer = await browser.get(f"/auth/callback?code={entra.approve(location)}&state={state}")
    await refused(browser, answer)
    assert not entra.asked


async def test_two_tabs_can_sign_in_at_once_but_not_with_each_others_codes(browser, entra):
    first, second = await browser.begin("/runs"), await browser.begin("/runs/new")
    code, state = entra.approve(first), query(second)["state"]
    await refused(browser, await browser.get(f"/auth/callback?code={code}&state={state}"))
    code = entra.approve(first)
    answer = await browser.get(f"/auth/callback?code={code}&state={query(first)['state']}")
    assert answer.headers["Location"] == f"{PUBLIC}/runs"


async def test_an_attempt_is_over_after_ten_minutes(browser, entra):
    location = await browser.begin()
    entra.clock.advance(601)
    state = query(location)["state"]
    answer = await browser.get(f"/auth/callback?code={entra.approve(location)}&state={state}")
    assert "ten minutes ago" in await refused(browser, answer)


async def test_a_changed_attempt_is_none(browser, entra):
    location = await browser.begin()
    (name,) = browser.cookies
    sealed = browser.cookies[name]
    browser.cookies[name] = sealed[:-3] + ("A" if sealed[-3] != "A" else "B") + sealed[-2:]
    state = query(location)["state"]
    await refused(
        browser, await browser.get(f"/auth/callback?code={entra.approve(location)}&state={state}")
    )


async def test_a_session_is_no_attempt_and_an_attempt_no_session(browser, entra):
    location = await browser.begin()
    (attempt,) = browser.cookies.values()
    browser.cookies = {SESSION: attempt}
    assert (await browser.get("me")).status == 401
    await browser.sign_in(entra)
    state = query(location)["state"]
    browser.cookies = {f"__Host-krsp_sign_in_{state[:8]}": browser.cookies[SESSION]}
    answer = await browser.get(f"/auth/callback?code={entra.approve(location)}&state={state}")
    assert answer.status == 401


async def test_what_the_person_refused_at_the_provider_is_said(browser):
    state = query(await browser.begin())["state"]
    answer = await browser.get(f"/auth/callback?error=access_denied%3Cb%3E&state={state}")
    page = await refused(browser, answer)
    assert "access_denied&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        ((401, {"error": "invalid_client"}), 500, "KRSP_CREDENTIAL"),
        ((503, {"error": "temporarily_unavailable"}), 503, "Try again soon"),
        ((200, {"access_token": "opaque"}), 401, "no_id_token"),
        ((200, {"id_token": 7}), 401, "no_id_token"),
    ],
)
async def test_a_provider_that_fails_is_told_in_words(browser, entra, answer, expected, said):
    entra.answer = answer
    page = await refused(browser, await browser.sign_in(entra), expected)
    assert said in page


async def test_a_provider_that_is_away_is_a_page_that_says_so(browser, entra):
    entra.fails = True
    answer = await browser.get("/auth/sign-in")
    assert answer.status == 503
    assert "does not answer just now" in await answer.text()


async def test_a_store_that_is_away_signs_nobody_in(browser, entra, cloud_site):
    location = await browser.begin()
    cloud_site.store.fail_next(UnavailableError("The store does not answer."))
    state = query(location)["state"]
    answer = await browser.get(f"/auth/callback?code={entra.approve(location)}&state={state}")
    assert "The store does not answer." in await refused(browser, answer, 503)


OTHERS = [
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example",
    "%0d%0aSet-Cookie:a=b",
    "/%0d%0aSet-Cookie:%20a=b",
    "javascript:alert(1)",
    "evil.example",
    "",
    "@evil.example",
    "/auth/sign-in",
    "/auth/callback?code=x",
    "/api/v1/me",
    "/%E2%80%A8",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("path", OTHERS)
async def test_nobody_is_led_to_another_site_after_signing_in(browser, path):
    answer = await browser.get(f"/auth/sign-in?return_to={path}")
    assert answer.status == 422
    assert "Location" not in answer.headers
    assert not browser.cookies


@pytest.mark.parametrize(
    "path",
    ["/", "/runs", "/runs/run-1/metrics?keys=loss&smooth=0.6#L1", "/compare?runs=a%2Cb", "/a//b"],
)
async def test_every_page_of_ours_can_be_returned_to(browser, entra, path):
    answer = await browser.get(f"/auth/sign-in?return_to={quote(path)}")
    location = answer.headers["Location"]
    state = query(location)["state"]
    back = await browser.get(f"/auth/callback?code={entra.approve(location)}&state={state}")
    assert back.headers["Location"] == PUBLIC + path
