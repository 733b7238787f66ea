"""Which door a profile gets, and which settings get none."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr

from bot.adapters.clock import ManualClock
from bot.adapters.directory import ListedDirectory
from bot.adapters.memory import MemoryStore
from bot.errors import SetupError
from bot.web.sign_in.composition import Around, issuer_of, sign_in_of
from bot.web.sign_in.entra import EntraDoor
from bot.web.sign_in.picked import PickedDoor
from bot.web.sign_in.proofs import CertificateProof, FileProof, IdentityProof, SecretProof
from tests.bot.web.entra_lab import PIPELINE, TENANT, LabSettings
from tests.bot.web.sign_in.test_proofs import Identity, certificate, pem

LAB = LabSettings(authority="https://login.microsoftonline.com")


def around(**changes) -> Around:
    return replace(Around(ListedDirectory([]), MemoryStore(), ManualClock()), **changes)


def test_the_local_profile_lets_people_pick_who_they_are(tmp_path):
    settings = replace(LAB, profile="local", home=tmp_path, session_key=SecretStr(""))
    assert isinstance(sign_in_of(settings, around()), PickedDoor)
    assert (tmp_path / "secret").exists()


def test_the_azure_profile_signs_in_at_its_own_tenant():
    door = sign_in_of(replace(LAB, tenant_id=TENANT.upper()), around())
    assert isinstance(door, EntraDoor)
    assert door.bearers.issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert door.bearers.services == {PIPELINE}


def test_the_azure_profile_does_not_start_with_sign_in_off():
    with pytest.raises(SetupError, match="does not start with sign-in off"):
        sign_in_of(replace(LAB, sign_in="off"), around())


def test_one_replica_may_protect_cookies_with_the_secret_of_its_home(tmp_path):
    settings = replace(LAB, session_key=SecretStr(""), home=tmp_path)
    assert isinstance(sign_in_of(settings, around()), EntraDoor)
    assert (tmp_path / "secret").exists()


def test_a_short_session_key_is_refused():
    with pytest.raises(SetupError, match="32 bytes or more"):
        sign_in_of(replace(LAB, session_key=SecretStr("short")), around())


@pytest.mark.parametrize("credential", ["managed_identity", "workload_identity"])
def test_the_bots_identity_proves_who_it_is(credential):
    settings = replace(LAB, credential=credential, identity_client_id=PIPELINE)
    environment = {"AZURE_FEDERATED_TOKEN_FILE": "/var/run/token"}
    door = sign_in_of(settings, around(identity=Identity(), environment=environment))
    assert isinstance(door.flow.proof, IdentityProof)


def test_a_registration_that_kubernetes_vouches_for_needs_no_identity_between():
    environment = {"AZURE_FEDERATED_TOKEN_FILE": "/var/run/token"}
    settings = replace(LAB, credential="workload_identity")
    door = sign_in_of(settings, around(environment=environment))
    assert isinstance(door.flow.proof, FileProof)


def test_a_certificate_or_else_a_secret_proves_who_it_is(tmp_path):
    file = tmp_path / "bot.pem"
    file.write_bytes(pem() + certificate().public_bytes(Encoding.PEM))
    settings = replace(LAB, credential="certificate", certificate_file=file)
    assert isinstance(sign_in_of(settings, around()).flow.proof, CertificateProof)
    assert isinstance(sign_in_of(LAB, around()).flow.proof, SecretProof)


def test_an_identity_that_is_not_there_is_named():
    with pytest.raises(SetupError, match="KRSP_CREDENTIAL=managed_identity needs an identity"):
        sign_in_of(replace(LAB, credential="managed_identity"), around())


def test_the_issuer_is_the_tenants_own():
    assert issuer_of(LAB) == f"https://login.microsoftonline.com/{TENANT}/v2.0"
