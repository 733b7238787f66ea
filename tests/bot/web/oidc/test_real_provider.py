"""The whole way at a certified provider: sign in, look, change something, sign out."""

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.async_api import Page, async_playwright, expect
from pydantic import SecretStr

from bot.adapters.clock import SystemClock
from tests.bot.web.entra_lab import ADA, APP, TENANT, LabSettings, jwk
from tests.bot.web.oidc.provider import provider
from tests.bot.web.sign_in.test_proofs import certificate, pem

SEND = """url => fetch(url, {method: "POST", body: "{}", credentials: "include",
    headers: {"Content-Type": "application/json"}}).then(answer => answer.status)"""
SEND_BLIND = """url => fetch(url, {method: "POST", mode: "no-cors", credentials: "include",
    body: JSON.stringify({recipe: "tiny-sft", nonce: "nonce-0002"})}).catch(() => null)"""
ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PEOPLE = {
    "ada": {"oid": ADA, "name": "Ada Lovelace", "roles": ["Approver"]},
    "eve": {"oid": "id-of-eve", "name": "Eve", "roles": []},
    "mallory": {"oid": "id-of-mallory", "name": "Mallory", "roles": ["Admin"], "tid": "other"},
}


@dataclass(frozen=True)
class Place:
    """Where the site will be, and how it proves itself to the provider at `authority`."""

    port: int
    authority: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def client_at(port: int, **changes: Any) -> dict[str, Any]:
    return {
        "client_id": APP,
        "client_secret": "lab-secret",
        "redirect_uris": [f"http://127.0.0.1:{port}/auth/callback"],
        "post_logout_redirect_uris": [f"http://127.0.0.1:{port}/auth/signed-out"],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    } | changes


@pytest.fixture(scope="module")
def place(free_port: Callable[[], int]) -> Iterator[Place]:
    port = free_port()
    with provider({"tenant": TENANT, "client": client_at(port), "people": PEOPLE}) as authority:
        yield Place(port, authority)


def settings_at(place: Place, **changes: Any) -> LabSettings:
    return replace(LabSettings(authority=place.authority, public_url=place.url), **changes)


@pytest.fixture
def open_site(make_site) -> Callable[..., Any]:
    def open_at(place: Place, settings: LabSettings, **changes: Any) -> Any:
        real = {"profile": "azure", "notice": "", "clock": SystemClock()}
        at = {"sign_in": settings, "public_url": place.url, "port": place.port}
        return make_site(**at, **real, **changes)

    return open_at


@pytest.fixture
async def site(open_site, place: Place) -> AsyncIterator[Any]:
    async with open_site(place, settings_at(place)) as site:
        yield site


@pytest.fixture
async def visitor() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a browser without scripts: it keeps cookies and follows redirects."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as visitor:
        yield visitor


async def signed_in(visitor: aiohttp.ClientSession, place: Place, name: str) -> tuple[str, str]:
    """Fill in the provider's form; return where that leads and what is shown there."""
    async with visitor.get(f"{place.url}/auth/sign-in?return_to=/healthz") as answer:
        form, page = str(answer.url), await answer.text()
    action = re.search(r'action="([^"]+)"', page)
    assert action is not None, page
    fields = {"prompt": "login", "login": name, "password": "any"}
    async with visitor.post(urljoin(form, action[1]), data=fields) as answer:
        return str(answer.url), await answer.text()


async def test_a_person_signs_in_changes_something_and_signs_out(site, place, visitor):
    url, _ = await signed_in(visitor, place, "ada")
    assert url == f"{place.url}/healthz"
    async with visitor.get(f"{place.url}/api/v1/me") as answer:
        me = await answer.json()
    assert (me["person"]["id"], me["person"]["role"]) == (ADA, "approver")
    token = {cookie.key: cookie.value for cookie in visitor.cookie_jar}["krsp_token"]
    headers = {"X-KRSP-Token": token, "Origin": place.url}
    asked = {"recipe": "tiny-sft", "nonce": "nonce-0001"}
    async with visitor.post(f"{place.url}/api/v1/drafts", json=asked, headers=headers) as answer:
        assert answer.status == 200
    async with visitor.post(f"{place.url}/auth/sign-out", json={}, headers=headers) as answer:
        onwards = (await answer.json())["location"]
    async with visitor.get(f"{place.url}/api/v1/me") as answer:
        assert answer.status == 401
    assert onwards.startswith(f"{place.authority}/{TENANT}/v2.0/session/end?")
    async with visitor.get(onwards) as answer:
        assert answer.status == 200


async def test_somebody_without_a_role_is_told_so(site, place, visitor):
    url, page = await signed_in(visitor, place, "eve")
    assert url.startswith(f"{place.url}/auth/callback?")
    assert "Eve has no role here" in page


async def test_somebody_of_another_tenant_is_refused(site, place, visitor):
    _, page = await signed_in(visitor, place, "mallory")
    assert "another tenant" in page


async def test_a_code_of_the_provider_counts_once(site, place, visitor):
    codes = []

    async def note(_: Any, __: Any, params: aiohttp.TraceRequestRedirectParams) -> None:
        codes.append(params.response.headers["Location"])

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(note)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, trace_configs=[trace]) as traced:
        await signed_in(traced, place, "ada")
        (callback,) = [url for url in codes if "/auth/callback?" in url]
        jar.clear()
        async with traced.get(callback) as answer:
            assert answer.status == 401
            assert "did not begin this sign-in" in await answer.text()


async def test_a_certificate_is_proof_enough_for_the_provider(
    open_site, free_port, visitor, tmp_path
):
    file, port = tmp_path / "bot.pem", free_port()
    file.write_bytes(pem() + certificate().public_bytes(Encoding.PEM))
    proof = {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
        "jwks": {"keys": [jwk("key-1", alg="PS256")]},
        "client_secret": None,
    }
    given = {key: value for key, value in client_at(port, **proof).items() if value is not None}
    with provider({"tenant": TENANT, "client": given, "people": PEOPLE}) as authority:
        place = Place(port, authority)
        settings = settings_at(place, credential="certificate", certificate_file=file)
        async with open_site(place, settings):
            url, _ = await signed_in(visitor, place, "ada")
            assert url == f"{place.url}/healthz"
            async with visitor.get(f"{place.url}/api/v1/me") as answer:
                assert answer.status == 200


async def test_a_wrong_secret_is_said_to_be_ours_to_mend(open_site, place, visitor):
    async with open_site(place, settings_at(place, client_secret=SecretStr("wrong"))):
        _, page = await signed_in(visitor, place, "ada")
    assert "KRSP_CREDENTIAL" in page


@pytest.fixture
async def page(chromium: Path) -> AsyncIterator[Page]:
    """Return a page of a real browser that reaches this machine only."""
    arguments = [ONLY_LOOPBACK, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = await browser.new_page()
        page.set_default_timeout(60_000)
        yield page
        await browser.close()


@pytest.mark.browser
async def test_a_person_comes_by_a_link_signs_in_and_out(open_site, place, repository, page):
    dist = repository / "client" / "dist"
    async with open_site(place, settings_at(place), dist=dist):
        await page.goto(f"{place.url}/runs/new?from=a")  # nobody: the page leaves to sign in
        await page.get_by_placeholder("Enter any login").fill("ada")
        await page.get_by_placeholder("and password").fill("any")
        await page.get_by_role("button", name="Sign-in").click()
        await page.wait_for_url(f"{place.url}/runs/new?from=a*")
        await expect(page.get_by_text("Ada Lovelace")).to_be_visible()
        cookies = {cookie["name"]: cookie for cookie in await page.context.cookies(place.url)}
        assert cookies["krsp_session"]["httpOnly"]
        assert "krsp_session" not in await page.evaluate("document.cookie")
        await page.goto(f"{place.url}/runs")
        await expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Yes, sign me out").click()
        await expect(page.get_by_text("You are signed out here.")).to_be_visible()
        await page.get_by_role("link", name="Sign in again").click()
        await expect(page.get_by_placeholder("Enter any login")).to_be_visible()


@pytest.mark.browser
async def test_a_change_from_our_page_goes_through_and_from_elsewhere_does_not(
    open_site, place, repository, page
):
    dist = repository / "client" / "dist"
    async with open_site(place, settings_at(place), dist=dist) as site:
        await page.goto(f"{place.url}/runs/new")
        await page.get_by_placeholder("Enter any login").fill("ada")
        await page.get_by_placeholder("and password").fill("any")
        await page.get_by_role("button", name="Sign-in").click()
        await page.get_by_role("button", name="Show the plan").click()
        await expect(page.get_by_role("button", name="Start")).to_be_visible()
        assert await page.evaluate(SEND, f"{place.url}/api/v1/drafts") == 403  # without the token
        # Another port is another origin but the same site, so the cookie comes along.
        await page.goto(f"{place.authority}/{TENANT}/v2.0/.well-known/openid-configuration")
        await page.evaluate(SEND_BLIND, f"{place.url}/api/v1/drafts")
        assert len(site.store._drafts) == 1
