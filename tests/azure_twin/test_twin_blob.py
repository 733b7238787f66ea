"""Blobs behind their public name: by token, by signature, by key, and not without a right."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import BlobClient, BlobSasPermissions, generate_blob_sas

from tests.azure_twin import world
from tests.azure_twin.credentials import TwinCredential
from tests.azure_twin.fixtures import RunningTwin

URL = f"https://{world.STORAGE}.blob.core.windows.net"


@pytest.fixture
def name(azure: RunningTwin, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the name of a blob that says hello."""
    made = f"tests/{request.node.name}".replace("[", "-").replace("]", "")
    with blob(made, TwinCredential(azure.control, world.COMPUTE_IDENTITY)) as client:
        client.upload_blob(b"hello, blob", overwrite=True)
        yield made


def blob(name: str, credential: Any) -> BlobClient:
    return BlobClient(
        URL, world.BLOB_STORE, name, credential=credential, retry_total=0, logging_enable=False
    )


def credential(azure: RunningTwin, kind: str, name: str) -> Any:
    if kind == "token":
        return TwinCredential(azure.control, world.BOT_IDENTITY)
    if kind == "key":
        return world.STORAGE_KEY
    return generate_blob_sas(
        world.STORAGE,
        world.BLOB_STORE,
        name,
        account_key=world.STORAGE_KEY,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(minutes=5),
    )


@pytest.mark.parametrize("kind", ["token", "signature", "key"])
def test_a_blob_is_read_by(azure: RunningTwin, name: str, kind: str) -> None:
    with blob(name, credential(azure, kind, name)) as client:
        assert client.download_blob().readall() == b"hello, blob"
        assert client.download_blob(offset=7, length=4).readall() == b"blob"


def test_who_may_only_read_does_not_write(azure: RunningTwin, name: str) -> None:
    with (
        blob(name, TwinCredential(azure.control, world.BOT_IDENTITY)) as client,
        pytest.raises(HttpResponseError) as refused,
    ):
        client.upload_blob(b"other", overwrite=True)
    assert refused.value.status_code == 403
    assert refused.value.error_code == "AuthorizationPermissionMismatch"


def test_a_token_for_arm_opens_no_blob(azure: RunningTwin, name: str) -> None:
    class Wrong(TwinCredential):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            return super().get_token("https://management.azure.com/.default")

    with (
        blob(name, Wrong(azure.control, world.BOT_IDENTITY)) as client,
        pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationInfo"),
    ):
        client.download_blob()


def test_a_wrong_key_opens_no_blob(azure: RunningTwin, name: str) -> None:
    # Azurite says 400, Azure 403; the SDK makes the same of both.
    with blob(name, "d3Jvbmc=") as client, pytest.raises(ClientAuthenticationError):
        client.download_blob()


def test_a_blob_can_be_late_or_fail(azure: RunningTwin, name: str) -> None:
    azure.control.fault(host="blob.core", path=name, status=503)
    with blob(name, world.STORAGE_KEY) as client, warnings.catch_warnings():
        with pytest.raises(HttpResponseError):
            client.download_blob()
        assert client.download_blob().readall() == b"hello, blob"
