"""Tokens forged in every way are refused; the one good one is taken."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.clock import ManualClock
from bot.errors import UnauthenticatedError
from bot.oidc import TokenVerifier, bearer_token
from bot.oidc.tokens import time_fault
from tests.bot.web.entra_lab import APP, KEYS, Entra, jwk


@dataclass
class FixedKeys:
    """The published keys, without a network."""

    names: tuple[str, ...] = ("key-1",)

    async def find(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self.names:
            raise UnauthenticatedError("The token is signed with a key that nobody published.")
        return jwt.PyJWK(jwk(key_id), algorithm="RS256")


@pytest.fixture
def entra() -> Entra:
    return Entra(ManualClock(), url="https://entra.example")


@pytest.fixture
def verifier(entra) -> TokenVerifier:
    return TokenVerifier(frozenset({entra.issuer}), frozenset({APP}), FixedKeys(), entra.clock.now)


def unsigned(claims: dict[str, object], header: dict[str, object]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed_with_the_public_key(entra: Entra) -> str:
    """Return the classic forgery: HMAC, with what everybody can read as the secret."""
    public = (
        KEYS["key-1"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    head, body, _ = jwt.encode(entra.claims(), "x" * 32, "HS256", {"kid": "key-1"}).split(".")
    algorithm = jwt.get_algorithm_by_name("HS256")
    mac = algorithm.sign(f"{head}.{body}".encode(), public)
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def signed(entra: Entra, **claims: object) -> str:
    """Return a token with claims that PyJWT would not write."""
    payload = json.dumps(entra.claims(**claims)).encode()
    return jwt.PyJWS().encode(payload, KEYS["key-1"], "RS256", {"kid": "key-1"})


def with_other_claims(entra: Entra) -> str:
    head, _, signature = entra.mint().split(".")
    body = entra.mint(signed_by="stranger", roles=["Admin"]).split(".")[1]
    return f"{head}.{body}.{signature}"


async def test_a_good_token_says_who(entra, verifier):
    assert (await verifier.verify(entra.mint()))["name"] == "Ada Lovelace"


FORGED = {
    "no algorithm": lambda e: unsigned(e.claims(), {"alg": "none", "kid": "key-1", "typ": "JWT"}),
    "algorithm None": lambda e: unsigned(e.claims(), {"alg": "None", "kid": "key-1"}),
    "public key as secret": signed_with_the_public_key,
    "key of a stranger": lambda e: e.mint(signed_by="stranger"),
    "key that was not published": lambda e: e.mint(kid="stranger"),
    "no key id": lambda e: e.mint(kid=None, signed_by="key-1"),
    "key id that is a path": lambda e: e.mint(kid="../../dev/null", signed_by="key-1"),
    "other algorithm of the same key": lambda e: jwt.encode(
        e.claims(), KEYS["key-1"], "RS384", {"kid": "key-1"}
    ),
    "key brought along": lambda e: jwt.encode(
        e.claims(), KEYS["stranger"], "RS256", {"kid": "key-1", "jwk": jwk("stranger")}
    ),
    "claims of another token": with_other_claims,
    "signature cut off": lambda e: e.mint().rpartition(".")[0] + ".",
    "no token at all": lambda _: "not.a.token",
    "empty": lambda _: "",
    "other audience": lambda e: e.mint(aud="another-app"),
    "several audiences": lambda e: e.mint(aud=[APP, "another-app"]),
    "no audience": lambda e: e.mint(aud=None),
    "other issuer": lambda e: e.mint(iss=f"{e.url}/other-tenant/v2.0"),
    "issuer with a tail": lambda e: e.mint(iss=f"{e.issuer}/"),
    "issuer in a list": lambda e: signed(e, iss=[e.issuer]),
    "no issuer": lambda e: e.mint(iss=None),
    "expired": lambda e: e.mint(exp=int(e.clock.now().timestamp()) - 121),
    "no end": lambda e: e.mint(exp=None),
    "end in words": lambda e: e.mint(exp="tomorrow"),
    "end is true": lambda e: e.mint(exp=True),
    "end out of any range": lambda e: e.mint(exp=10**400),
    "end is no number": lambda e: e.mint(exp=float("nan")),
    "not valid yet": lambda e: e.mint(nbf=int(e.clock.now().timestamp()) + 121),
    "made in the future": lambda e: e.mint(iat=int(e.clock.now().timestamp()) + 121),
}


@pytest.mark.parametrize("forge", FORGED)
async def test_a_forged_token_is_refused_without_quoting_it(entra, verifier, forge):
    token = FORGED[forge](entra)
    with pytest.raises(UnauthenticatedError) as refusal:
        await verifier.verify(token)
    assert "Ada" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -119), ("nbf", 119), ("iat", 119)])
async def test_clocks_may_differ_by_two_minutes(entra, verifier, claim, seconds):
    at = int(entra.clock.now().timestamp()) + seconds
    assert await verifier.verify(entra.mint(**{claim: at}))


async def test_a_token_ends_with_our_clock_not_with_the_machines(entra, verifier):
    token = entra.mint()
    entra.clock.advance(timedelta(hours=2).total_seconds())
    with pytest.raises(UnauthenticatedError, match="expired"):
        await verifier.verify(token)


@given(st.text())
async def test_noise_is_no_token(noise):
    entra = Entra(ManualClock(), url="https://entra.example")
    verifier = TokenVerifier(
        frozenset({entra.issuer}), frozenset({APP}), FixedKeys(), entra.clock.now
    )
    with pytest.raises(UnauthenticatedError):
        await verifier.verify(noise)


VALUE = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
)


@given(st.fixed_dictionaries({}, optional={"exp": VALUE, "nbf": VALUE, "iat": VALUE}))
def test_no_time_of_any_kind_breaks_the_check(claims):
    fault = time_fault(claims, ManualClock().now())
    assert fault is None or fault.startswith(("has", "is", "does"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "token", "bearer\t"])
def test_what_is_no_bearer_token_is_refused(header):
    with pytest.raises(UnauthenticatedError):
        bearer_token(header)


def test_a_bearer_token_is_read_whatever_the_case_of_its_scheme():
    assert bearer_token("bEARER abc.def ") == "abc.def"
