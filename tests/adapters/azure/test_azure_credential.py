"""Each way in which the bot can prove who it is, against the twin's Entra ID."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.credentials import AccessToken
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.adapters.azure.credential import ARM_SCOPE, DEVOPS_SCOPE, Identity, Tokens
from bot.adapters.clock import SystemClock
from bot.errors import AccessError, UnavailableError
from bot.teams.tokens import AppTokens
from tests.adapters.azure.azure_settings import azure_settings
from tests.adapters.azure.devops_world import identity, sign_in
from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.test_twin_entra import certificate


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def by_secret(secret: str = world.BOT_APP_SECRET) -> Identity:
    return Identity("client_secret", world.TENANT, world.BOT_APP, None, SecretStr(secret))


def test_a_managed_identity_gets_a_token_for_each_audience(
    azure: RunningTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(azure, monkeypatch)
    tokens = Tokens(identity())
    assert claims(tokens.token(DEVOPS_SCOPE))["aud"] == DEVOPS_SCOPE.removesuffix("/.default")
    assert claims(tokens.token(ARM_SCOPE))["aud"] == "https://management.azure.com"


def test_a_secret_and_a_certificate_do_too(azure: RunningTwin, tmp_path: Path) -> None:
    pem = certificate(tmp_path / "bot.pem", rsa.generate_private_key(65537, 2048))
    azure.control.call("certificate", client_id=world.BOT_APP, pem=pem)
    by_certificate = Identity("certificate", world.TENANT, world.BOT_APP, tmp_path / "bot.pem")
    for each in (by_secret(), by_certificate):
        assert claims(Tokens(each).token(ARM_SCOPE))["appid"] == world.BOT_APP


def test_a_clusters_token_does_too(
    azure: RunningTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"issuer": world.CLUSTER_ISSUER, "subject": world.BOT_SUBJECT}
    token = azure.control.call("tokens.federated", **given)
    (tmp_path / "token").write_text(token, encoding="utf-8")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    workload = Identity("workload_identity", world.TENANT, world.BOT_IDENTITY)
    assert claims(Tokens(workload).token(ARM_SCOPE))["appid"] == world.BOT_IDENTITY


@pytest.mark.parametrize("kind", ["workload_identity", "certificate"])
def test_what_a_credential_lacks_is_said_and_waited_for(kind: Any, tmp_path: Path) -> None:
    lacking = Identity(kind, world.TENANT, world.BOT_APP, tmp_path / "none.pem")
    with pytest.raises(AccessError, match="KRSP_CREDENTIAL"):
        Tokens(lacking).token(ARM_SCOPE)


def test_a_machine_without_the_identity_is_told_so(
    azure: RunningTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(azure, monkeypatch)
    with pytest.raises((AccessError, UnavailableError)) as caught:
        Tokens(identity(world.WORKSPACE_ID)).token(ARM_SCOPE)
    assert world.WORKSPACE_ID in str(caught.value)


@pytest.fixture
def brief(azure: RunningTwin) -> Iterator[None]:
    """Let tokens live for four minutes."""
    azure.control.token_lifetime(240)
    yield
    azure.control.token_lifetime(3600)


def test_a_token_is_kept_and_renewed_well_before_its_end(azure: RunningTwin, brief: None) -> None:
    tokens = Tokens(by_secret())
    soon_over = tokens.token(ARM_SCOPE)
    assert tokens.token(ARM_SCOPE) != soon_over
    azure.control.token_lifetime(3600)
    kept = tokens.token(ARM_SCOPE)
    assert tokens.token(ARM_SCOPE) == kept


def test_a_refused_token_is_forgotten(azure: RunningTwin) -> None:
    tokens = Tokens(by_secret())
    refused = tokens.token(ARM_SCOPE)
    tokens.forget()
    assert tokens.token(ARM_SCOPE) != refused


def test_whatever_a_credential_raises_is_an_error_of_ours() -> None:
    class Broken:
        def get_token(self, *scopes: str, **_: Any) -> AccessToken:
            raise json.JSONDecodeError("bad", "", 0)

        def close(self) -> None: ...

    with pytest.raises(AccessError, match="Could not sign the bot in"):
        Tokens(by_secret(), lambda _: Broken()).token(ARM_SCOPE)


def test_the_own_identity_comes_before_the_registration(tmp_path: Path) -> None:
    own = Identity.of(azure_settings(tmp_path))
    without = Identity.of(azure_settings(tmp_path, identity_client_id=""))
    assert (own.client_id, without.client_id) == (world.BOT_IDENTITY, world.BOT_APP)


async def test_the_bot_speaks_in_teams_by_the_same_credential(azure: RunningTwin) -> None:
    header = await AppTokens(by_secret().of_app(world.BOT_APP), SystemClock()).header()
    said = claims(header.removeprefix("Bearer "))
    assert said["aud"] == "https://api.botframework.com"
    assert said["exp"] > datetime.now(UTC).timestamp()
