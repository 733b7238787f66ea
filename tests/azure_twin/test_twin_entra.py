"""Tokens: who gets one, what it says, and which ones every service refuses."""

import base64
import datetime as dt
import hashlib
import json
import secrets
import urllib.parse
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin

SCOPE = "https://management.azure.com/.default"
LOGIN = f"https://login.microsoftonline.com/{world.TENANT}"
WORKSPACE = f"https://management.azure.com{world.WORKSPACE_PATH}?api-version=2024-10-01-preview"


def read(token: str) -> dict[str, Any]:
    """Return the claims of a token after its signature was checked by the published keys."""
    keys = jwt.PyJWKSet.from_dict(requests.get(f"{LOGIN}/discovery/v2.0/keys", timeout=10).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    found: dict[str, Any] = jwt.decode(token, key, options={"verify_aud": False})
    return found


def test_a_secret_gets_a_token_of_its_application(azure: RunningTwin) -> None:
    with ClientSecretCredential(world.TENANT, world.BOT_APP, world.BOT_APP_SECRET) as credential:
        claims = read(credential.get_token(SCOPE).token)
    assert claims["aud"] == "https://management.azure.com"
    assert claims["appid"] == world.BOT_APP
    assert claims["iss"] == f"https://sts.windows.net/{world.TENANT}/"
    assert claims["tid"] == world.TENANT


@pytest.mark.parametrize(
    ("tenant", "client_id", "secret", "code"),
    [
        (world.TENANT, world.BOT_APP, "wrong", "AADSTS7000215"),
        (world.TENANT, world.WORKSPACE_ID, "any", "AADSTS700016"),
    ],
)
def test_a_stranger_gets_no_token(
    azure: RunningTwin, tenant: str, client_id: str, secret: str, code: str
) -> None:
    with (
        ClientSecretCredential(tenant, client_id, secret) as credential,
        pytest.raises(ClientAuthenticationError, match=code),
    ):
        credential.get_token(SCOPE)


def test_an_unknown_tenant_is_told_so(azure: RunningTwin) -> None:
    url = LOGIN.replace(world.TENANT, world.WORKSPACE_ID) + "/oauth2/v2.0/token"
    answer = requests.post(url, data={"grant_type": "client_credentials"}, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error_codes"] == [90002]


def certificate(path: Path, key: rsa.RSAPrivateKey) -> str:
    """Write a certificate with its key for the SDK, and return its public half."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "krsp")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + public)
    return public.decode()


def test_a_registered_certificate_signs_in_and_another_does_not(
    azure: RunningTwin, tmp_path: Path
) -> None:
    good, bad = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "ab")
    pem = certificate(tmp_path / "good.pem", good)
    certificate(tmp_path / "bad.pem", bad)
    azure.control.call("certificate", client_id=world.BOT_APP, pem=pem)
    with CertificateCredential(world.TENANT, world.BOT_APP, tmp_path / "good.pem") as credential:
        assert read(credential.get_token(SCOPE).token)["appid"] == world.BOT_APP
    with (
        CertificateCredential(world.TENANT, world.BOT_APP, tmp_path / "bad.pem") as stranger,
        pytest.raises(ClientAuthenticationError, match="AADSTS700027"),
    ):
        stranger.get_token(SCOPE)


def federated(azure: RunningTwin, tmp_path: Path, **claims: Any) -> WorkloadIdentityCredential:
    path = tmp_path / "token"
    path.write_text(azure.control.call("tokens.federated", **claims), encoding="utf-8")
    return WorkloadIdentityCredential(
        tenant_id=world.TENANT, client_id=world.BOT_IDENTITY, token_file_path=str(path)
    )


def test_a_cluster_s_token_is_exchanged_for_its_identity(
    azure: RunningTwin, tmp_path: Path
) -> None:
    credential = federated(azure, tmp_path, issuer=world.CLUSTER_ISSUER, subject=world.BOT_SUBJECT)
    with credential:
        assert read(credential.get_token(SCOPE).token)["appid"] == world.BOT_IDENTITY


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"subject": "system:serviceaccount:krsp:other"}, "AADSTS700213"),
        ({"issuer": world.DEVOPS_ISSUER}, "AADSTS700211"),
        ({"audience": "api://other"}, "AADSTS700212"),
        ({"lifetime_s": -10}, "AADSTS700024"),
        ({"forged": True}, "AADSTS5002727"),
    ],
)
def test_a_cluster_s_token_that_does_not_match_is_refused(
    azure: RunningTwin, tmp_path: Path, changed: dict[str, Any], code: str
) -> None:
    right = {"issuer": world.CLUSTER_ISSUER, "subject": world.BOT_SUBJECT}
    credential = federated(azure, tmp_path, **{**right, **changed})
    with credential, pytest.raises(ClientAuthenticationError, match=code):
        credential.get_token(SCOPE)


def test_a_container_app_gets_tokens_of_its_own_identity_only(
    azure: RunningTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azure.bot_environment.items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential(client_id=world.BOT_IDENTITY) as own:
        assert read(own.get_token(SCOPE).token)["appid"] == world.BOT_IDENTITY
    with (
        ManagedIdentityCredential(client_id=world.PIPELINE_IDENTITY) as other,
        pytest.raises(ClientAuthenticationError, match="No managed identity"),
    ):
        other.get_token(SCOPE)


def test_the_pipeline_s_identity_has_the_role_of_the_bot_s_api(azure: RunningTwin) -> None:
    claims = read(azure.control.mint(world.PIPELINE_IDENTITY, world.BOT_API))
    assert claims["roles"] == ["Pipeline"]
    assert "roles" not in read(azure.control.mint(world.BOT_IDENTITY, world.BOT_API))


def ask(token: str) -> requests.Response:
    return requests.get(WORKSPACE, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def forged(token: str) -> str:
    """Return the same claims, signed by somebody else."""
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, "RS256", headers={"kid": header["kid"]})


def test_arm_takes_a_good_token_and_refuses_all_others(azure: RunningTwin) -> None:
    mint, audience = azure.control.mint, "https://management.azure.com"
    good = mint(world.BOT_IDENTITY, audience)
    refused = {
        "ExpiredAuthenticationToken": mint(world.BOT_IDENTITY, audience, lifetime_s=-1),
        "InvalidAuthenticationTokenAudience": mint(world.BOT_IDENTITY, "https://storage.azure.com"),
        "InvalidAuthenticationToken": forged(good),
    }
    assert ask(good).status_code == 200
    for code, token in refused.items():
        answer = ask(token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
        assert "invalid_token" in answer.headers["WWW-Authenticate"]
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), None, "none")
    assert ask(unsigned).status_code == 401
    assert requests.get(WORKSPACE, timeout=10).json()["error"]["code"] == "AuthenticationFailed"


def test_a_token_expires_by_the_twin_s_clock(azure: RunningTwin) -> None:
    token = azure.control.mint(world.BOT_IDENTITY, "https://management.azure.com")
    azure.control.advance(3601)
    try:
        assert ask(token).json()["error"]["code"] == "ExpiredAuthenticationToken"
    finally:
        azure.control.advance(-3601)


def start_sign_in(verifier: str, **more: str) -> requests.Response:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    query = {
        "client_id": world.BOT_APP,
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:3978/signed-in",
        "scope": "openid profile",
        "state": "s1",
        "nonce": "n1",
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
        **more,
    }
    url = f"{LOGIN}/oauth2/v2.0/authorize?{urllib.parse.urlencode(query)}"
    return requests.get(url, allow_redirects=False, timeout=10)


def redeem(code: str, verifier: str) -> requests.Response:
    form = {
        "client_id": world.BOT_APP,
        "client_secret": world.BOT_APP_SECRET,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://127.0.0.1:3978/signed-in",
        "code_verifier": verifier,
    }
    return requests.post(f"{LOGIN}/oauth2/v2.0/token", data=form, timeout=10)


def code_of(answer: requests.Response) -> str:
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


def test_a_person_signs_in_once_per_code(azure: RunningTwin) -> None:
    verifier = secrets.token_urlsafe(32)
    azure.control.sign_in("Megan Bowen")
    code = code_of(start_sign_in(verifier))
    claims = read(redeem(code, verifier).json()["id_token"])
    assert claims["roles"] == ["Approver"]
    assert (claims["aud"], claims["nonce"], claims["name"]) == (world.BOT_APP, "n1", "Megan Bowen")
    assert redeem(code, verifier).json()["error"] == "invalid_grant"


def test_a_code_is_of_no_use_without_its_verifier(azure: RunningTwin) -> None:
    code = code_of(start_sign_in("right" * 10, login_hint="alexw"))
    assert redeem(code, "wrong" * 10).json()["error_codes"] == [501481]


def test_who_is_not_signed_in_picks_an_account(azure: RunningTwin) -> None:
    page = start_sign_in("v" * 43)
    assert page.status_code == 200
    assert all(name in page.text for name in ("Alex Wilber", "Megan Bowen", "Nestor Wilke"))


def test_no_secret_and_no_token_is_in_the_request_log(azure: RunningTwin) -> None:
    with ClientSecretCredential(world.TENANT, world.BOT_APP, world.BOT_APP_SECRET) as credential:
        token = credential.get_token(SCOPE).token
    ask(token)
    log = (azure.folder / "requests.jsonl").read_text("utf-8")
    assert world.BOT_APP_SECRET not in log
    assert token not in log
    last = json.loads(log.splitlines()[-1])
    assert (last["client_id"], last["audience"]) == (world.BOT_APP, "https://management.azure.com")
