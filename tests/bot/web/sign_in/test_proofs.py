"""How the bot proves who it is: with an identity, a file, a certificate, or else a secret."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from bot.errors import SetupError, UnavailableError
from bot.web.sign_in.proofs import CertificateProof, FileProof, IdentityProof, SecretProof
from tests.bot.web.entra_lab import APP, KEYS

ENDPOINT = "https://login.example/token"
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Token:
    token: str


@dataclass
class Identity:
    """A managed identity: notes what it was asked for."""

    token: str = "token-of-the-identity"
    fault: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def get_token(self, *scopes: str) -> Token:
        self.asked.extend(scopes)
        if self.fault is not None:
            raise self.fault
        return Token(self.token)


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "krsp")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(KEYS["key-1"].public_key()).serial_number(1)
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    return builder.sign(KEYS["key-1"], SHA256())


def pem(password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return KEYS["key-1"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture
def pem_file(tmp_path: Path) -> Path:
    file = tmp_path / "bot.pem"
    file.write_bytes(pem() + certificate().public_bytes(Encoding.PEM))
    return file


async def test_the_managed_identity_is_asked_for_a_token_to_exchange():
    identity = Identity()
    fields = await IdentityProof(identity).fields(ENDPOINT)
    assert identity.asked == ["api://AzureADTokenExchange/.default"]
    assert fields == {"client_assertion_type": KIND, "client_assertion": identity.token}


async def test_an_identity_that_gives_no_token_is_unavailable():
    with pytest.raises(UnavailableError, match="gives no token just now"):
        await IdentityProof(Identity(fault=OSError("no route"))).fields(ENDPOINT)


async def test_the_token_of_a_service_account_is_read_anew_each_time(tmp_path):
    file = tmp_path / "token"
    proof = FileProof(file)
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        assert (await proof.fields(ENDPOINT))["client_assertion"] == token


async def test_a_missing_token_file_is_named(tmp_path):
    with pytest.raises(SetupError, match="nothing-here"):
        await FileProof(tmp_path / "nothing-here").fields(ENDPOINT)


async def test_a_certificate_signs_for_this_endpoint_and_five_minutes(pem_file):
    fields = await CertificateProof(APP, pem_file, lambda: NOW).fields(ENDPOINT)
    token = fields["client_assertion"]
    claims = jwt.decode(
        token,
        KEYS["key-1"].public_key(),
        ["PS256"],
        audience=ENDPOINT,
        options={"verify_exp": False, "verify_nbf": False},
    )
    assert (claims["iss"], claims["sub"]) == (APP, APP)
    assert claims["exp"] - claims["nbf"] == 300
    thumbprint = base64.urlsafe_b64encode(certificate().fingerprint(SHA256())).rstrip(b"=")
    assert jwt.get_unverified_header(token)["x5t#S256"] == thumbprint.decode()


async def test_no_two_assertions_are_the_same(pem_file):
    proof = CertificateProof(APP, pem_file, lambda: NOW)
    assert await proof.fields(ENDPOINT) != await proof.fields(ENDPOINT)


@pytest.mark.parametrize("content", [b"", b"noise", pem(), pem(b"secret")])
def test_a_certificate_file_that_cannot_be_used_says_what_must_be_in_it(tmp_path, content):
    (tmp_path / "bot.pem").write_bytes(content)
    with pytest.raises(SetupError, match="unencrypted private key and its certificate"):
        CertificateProof(APP, tmp_path / "bot.pem", lambda: NOW)


async def test_a_secret_is_sent_as_it_is():
    assert await SecretProof("word").fields(ENDPOINT) == {"client_secret": "word"}
