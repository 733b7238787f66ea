"""Bearer tokens: people in Teams' tab, and services in their own name."""

from datetime import timedelta

import pytest

from bot.domain.people import Role
from tests.bot.web.entra_lab import ADA, APP, HOST, PIPELINE, TENANT, Browser

ORDER = {"kind": "commit", "key": "c", "owner": ADA, "path": "p"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_teams_token_says_who_without_any_cookie(browser, entra):
    answer = await browser.get("me", **bearer(entra.access_token(roles=["Approver"])))
    assert (await answer.json())["person"]["role"] == "approver"
    assert not browser.cookies


@pytest.mark.parametrize("audience", [APP, f"api://{APP}", f"api://{HOST}/{APP}"])
async def test_each_spelling_of_our_audience_is_ours(browser, entra, audience):
    assert (await browser.get("me", **bearer(entra.access_token(aud=audience)))).status == 200


async def test_who_shows_a_token_needs_no_page_token(browser, entra):
    headers = bearer(entra.access_token()) | {"X_KRSP_Token": None, "Sec_Fetch_Site": None}
    asked = {"recipe": "tiny-sft", "nonce": "nonce-0001"}
    assert (await browser.post("drafts", asked, **headers)).status == 200


FORGED = {
    "other audience": {"aud": "api://evil.example/app"},
    "audience of Graph": {"aud": "00000003-0000-0000-c000-000000000000"},
    "other tenant": {"tid": "other"},
    "no object id": {"oid": None},
    "other issuer": {"iss": "https://login.microsoftonline.com/other/v2.0"},
    "version 1.0": {"iss": f"https://sts.windows.net/{TENANT}/"},
    "other scope": {"scp": "User.Read access_as_user_not"},
    "scope in a list": {"scp": ["access_as_user"]},
    "empty scope": {"scp": ""},
    "key of a stranger": {"signed_by": "stranger"},
    "expired": {"exp": 1_000_000_000},
}


@pytest.mark.parametrize("forge", FORGED)
async def test_a_forged_token_of_a_person_is_refused(browser, cloud_site, entra, forge):
    answer = await browser.get("me", **bearer(entra.access_token(**FORGED[forge])))
    await cloud_site.refused(answer, 401, "unauthenticated")


async def test_an_id_token_is_no_access_token(browser, cloud_site, entra):
    answer = await browser.get("me", **bearer(entra.mint()))
    await cloud_site.refused(answer, 401, "unauthenticated")


async def test_a_bad_token_is_not_made_good_by_a_cookie(browser, cloud_site, entra):
    await browser.sign_in(entra)
    for header in ({"Authorization": "Bearer noise"}, {"Authorization": "Basic YTpi"}):
        await cloud_site.refused(await browser.get("me", **header), 401, "unauthenticated")


async def test_a_person_without_a_role_learns_who_can_grant_one_in_teams(
    browser, cloud_site, entra
):
    answer = await browser.get("me", **bearer(entra.access_token(roles=[])))
    body = await cloud_site.refused(answer, 403, "no_role")
    assert "An administrator of Entra ID" in body["detail"]


async def test_chat_learns_the_role_from_the_tab_until_it_is_taken_away(browser, cloud_site, entra):
    await browser.get("me", **bearer(entra.access_token(roles=["Admin"])))
    assert (await cloud_site.directory.find(ADA, TENANT)).role is Role.ADMIN
    await browser.get("me", **bearer(entra.access_token(roles=[])))
    assert await cloud_site.directory.find(ADA, TENANT) is None


async def test_a_role_counts_from_when_the_token_was_made(browser, cloud_site, entra):
    token = entra.access_token(exp=2**33)
    await browser.get("me", **bearer(token))
    entra.clock.advance(timedelta(hours=71).total_seconds())
    await browser.get("me", **bearer(token))  # an old token renews nothing
    entra.clock.advance(timedelta(hours=1).total_seconds())
    assert await cloud_site.directory.find(ADA, TENANT) is None


async def test_an_older_token_does_not_bring_an_older_role_back(browser, cloud_site, entra):
    old = entra.access_token(roles=["Admin"])
    entra.clock.advance(60)
    await browser.get("me", **bearer(entra.access_token(roles=["Researcher"])))
    await browser.get("me", **bearer(old))
    assert (await cloud_site.directory.find(ADA, TENANT)).role is Role.RESEARCHER


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"idtyp": None},
        {"azp": None, "appid": PIPELINE, "iss": f"https://sts.windows.net/{TENANT}/"},
        {"azp": PIPELINE.upper()},
    ],
)
async def test_the_pipelines_identity_may_call_what_is_for_services(browser, entra, changes):
    answer = await browser.post("requests", {}, **bearer(entra.service_token(**changes)))
    assert answer.status == 422  # let in; the empty order is another matter


FORGED_SERVICE = {
    "other audience": ({"aud": "https://management.azure.com"}, 401),
    "other tenant": ({"tid": "other"}, 401),
    "a person's token": ({"idtyp": "user"}, 401),
    "a token for a person": ({"idtyp": None, "sub": "pairwise"}, 401),
    "with a scope": ({"scp": "access_as_user", "roles": ["Pipeline"]}, 403),
    "no role": ({"roles": None}, 403),
    "role of people": ({"roles": ["Admin"]}, 403),
    "not in the list": ({"azp": "00000000-0000-0000-0000-000000000001"}, 403),
    "nameless": ({"azp": None}, 403),
    "key of a stranger": ({"signed_by": "stranger"}, 401),
}


@pytest.mark.parametrize("forge", FORGED_SERVICE)
async def test_a_forged_token_of_a_service_is_refused(browser, entra, forge):
    changes, status = FORGED_SERVICE[forge]
    answer = await browser.post("requests", ORDER, **bearer(entra.service_token(**changes)))
    assert answer.status == status


async def test_a_service_is_no_person(browser, cloud_site, entra):
    answer = await browser.get("me", **bearer(entra.service_token()))
    await cloud_site.refused(answer, 403, "forbidden")


async def test_a_person_is_no_service(browser, cloud_site, entra):
    answer = await browser.post("requests", ORDER, **bearer(entra.access_token()))
    await cloud_site.refused(answer, 401, "unauthenticated")
    signed_in = Browser(cloud_site)
    await signed_in.sign_in(entra, roles=["Admin"])
    await cloud_site.refused(await signed_in.post("requests", ORDER), 401, "unauthenticated")


async def test_without_keys_nobody_is_refused_for_good(browser, cloud_site, entra):
    entra.fails = True
    answer = await browser.get("me", **bearer(entra.access_token()))
    await cloud_site.refused(answer, 503, "unavailable")
