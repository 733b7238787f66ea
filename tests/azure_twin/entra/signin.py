"""People sign in: the authorization code flow with PKCE."""

import base64
import hashlib
import html
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from tests.azure_twin.clock import Clock
from tests.azure_twin.entra.directory import Application, Directory, Person
from tests.azure_twin.entra.errors import EntraError
from tests.azure_twin.entra.tokens import ENTRA_V2, Tokens

CODE_LIFETIME_S = 600
LOOPBACK = {"127.0.0.1", "localhost"}
PAGE = """<!doctype html><html lang="en"><head><title>Sign in to your account</title></head>
<body><h1>Pick an account</h1><p>to continue to {name}</p>{form}<ul>{people}</ul></body></html>"""


@dataclass(frozen=True)
class Grant:
    """What a code stands for; it is good once."""

    client_id: str
    person: Person
    redirect: str
    scope: str
    nonce: str | None
    challenge: str | None
    expires: float


@dataclass
class SignIn:
    """`/authorize`, and the exchange of its codes."""

    directory: Directory
    tokens: Tokens
    clock: Clock
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)

    def authorize(self, application: Application, query: Mapping[str, str]) -> web.Response:
        """Send the browser back with a code, or show whom it can be."""
        redirect = query.get("redirect_uri", "")
        _check_redirect(application, redirect)
        if query.get("response_type") != "code":
            raise EntraError(900144, "Only response_type 'code' is offered here.")
        key = query.get("login_hint") or self.directory.signed_in
        if query.get("prompt") == "select_account" and "login_hint" not in query:
            key = None
        person = self.directory.person(key) if key else None
        if person is None and query.get("prompt") == "none":
            return _back(query, {"error": "login_required", "error_description": "AADSTS50058"})
        if person is None:
            return self._choose(application, query)
        code = secrets.token_urlsafe(32)
        self.grants[code] = Grant(
            application.client_id,
            person,
            redirect,
            query.get("scope", "openid"),
            query.get("nonce"),
            query.get("code_challenge"),
            self.clock.seconds() + CODE_LIFETIME_S,
        )
        return _back(query, {"code": code, "session_state": str(uuid.uuid4())})

    def exchange(self, application: Application, form: Mapping[str, str]) -> dict[str, Any]:
        """Return tokens for a code; a code is spent by its first use, good or bad."""
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None or grant.client_id != application.client_id:
            raise EntraError(
                70008,
                "The provided authorization code or refresh token has expired or was used before.",
                error="invalid_grant",
            )
        if grant.expires < self.clock.seconds():
            raise EntraError(70008, "The authorization code has expired.", error="invalid_grant")
        if grant.redirect != form.get("redirect_uri"):
            raise EntraError(
                500112, "The reply address does not match the one asked for.", error="invalid_grant"
            )
        if grant.challenge is not None:
            _check_verifier(grant.challenge, form.get("code_verifier", ""))
        return self._answer(grant)

    def renew(self, application: Application, form: Mapping[str, str]) -> dict[str, Any]:
        grant = self.refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.client_id != application.client_id:
            raise EntraError(700082, "The refresh token has expired.", error="invalid_grant")
        return self._answer(grant)

    def _answer(self, grant: Grant) -> dict[str, Any]:
        scopes = grant.scope.split()
        answer = {
            "token_type": "Bearer",
            "scope": grant.scope,
            "expires_in": int(self.tokens.lifetime_s),
            "ext_expires_in": int(self.tokens.lifetime_s),
            "access_token": self.access_token(grant.person, grant.client_id, scopes),
        }
        if "openid" in scopes:
            answer["id_token"] = self.id_token(grant.person, grant.client_id, nonce=grant.nonce)
        if "offline_access" in scopes:
            token = secrets.token_urlsafe(48)
            self.refresh[token] = grant
            answer["refresh_token"] = token
        return answer

    def id_token(self, person: Person, client_id: str, *, nonce: str | None = None) -> str:
        """Return a v2.0 id token, also what Teams gives a tab for single sign-on."""
        claims = person.claims() if person.roles else _without_roles(person)
        if nonce is not None:
            claims["nonce"] = nonce
        subject = hashlib.sha256(f"{person.oid}{client_id}".encode()).hexdigest()[:43]
        return self.tokens.mint(client_id, issuer=ENTRA_V2, sub=subject, ver="2.0", **claims)

    def access_token(self, person: Person, client_id: str, scopes: list[str]) -> str:
        """Return a token for the first scope of an API, or for Microsoft Graph."""
        api = next((scope for scope in scopes if "://" in scope), None)
        if api is None:
            return self.tokens.mint(
                "00000003-0000-0000-c000-000000000000",
                appid=client_id,
                scp="User.Read",
                **person.claims(),
            )
        audience, _, scope = api.rpartition("/")
        audience = audience.removeprefix("api://")
        claims = person.claims() if person.roles else _without_roles(person)
        return self.tokens.mint(
            audience, issuer=ENTRA_V2, azp=client_id, scp=scope, ver="2.0", **claims
        )

    def _choose(self, application: Application, query: Mapping[str, str]) -> web.Response:
        kept = {key: value for key, value in query.items() if key not in {"login_hint", "prompt"}}
        links = "".join(
            f'<li><a href="?{html.escape(urlencode({**kept, "login_hint": one.username}))}">'
            f"{html.escape(one.name)} ({html.escape(', '.join(one.roles))})</a></li>"
            for one in self.directory.people.values()
        )
        page = PAGE.format(name=html.escape(application.name), form="", people=links)
        return web.Response(text=page, content_type="text/html")


def _without_roles(person: Person) -> dict[str, Any]:
    """Return the claims of a person with no app role: Entra leaves the claim out."""
    return {key: value for key, value in person.claims().items() if key != "roles"}


def _check_redirect(application: Application, redirect: str) -> None:
    # [guess] Entra ignores the port of http://localhost only; here any loopback address will do.
    if redirect in application.redirects or urlsplit(redirect).hostname in LOOPBACK:
        return
    raise EntraError(
        50011,
        f"The redirect URI '{redirect}' specified in the request does not match the redirect URIs "
        f"configured for the application '{application.client_id}'.",
        error="invalid_request",
    )


def _check_verifier(challenge: str, verifier: str) -> None:
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    if made.rstrip(b"=").decode() != challenge:
        raise EntraError(
            501481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization "
            "request.",
            error="invalid_grant",
        )


def _back(query: Mapping[str, str], values: dict[str, str]) -> web.Response:
    """Return the answer to the redirect address, as the client asked for it."""
    redirect = query["redirect_uri"]
    if "state" in query:
        values["state"] = query["state"]
    if query.get("response_mode") == "form_post":
        fields = "".join(
            f'<input type="hidden" name="{html.escape(key)}" value="{html.escape(value)}">'
            for key, value in values.items()
        )
        page = (
            f'<!doctype html><html><body onload="document.forms[0].submit()"><form method="post" '
            f'action="{html.escape(redirect)}">{fields}<button>Continue</button></form></body></html>'
        )
        return web.Response(text=page, content_type="text/html")
    separator = "&" if "?" in redirect else "?"
    target = f"{redirect}{separator}{urlencode(values)}"
    return web.Response(status=302, headers={"Location": target})
