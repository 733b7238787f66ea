"""Where models are registered and served in Azure, as the variable group `krsp` says it."""

from collections.abc import Mapping
from dataclasses import dataclass

from azure.ai.ml import MLClient
from azure.core.credentials import TokenCredential

from trainer.azureml.credential import credential_of
from trainer.azureml.errors import RefusedError
from trainer.azureml.workspace import client_of

_NEEDED = {
    "subscription_id": "KRSP_SUBSCRIPTION_ID",
    "resource_group": "KRSP_RESOURCE_GROUP",
    "workspace": "KRSP_WORKSPACE",
    "image": "KRSP_SERVER_IMAGE",
}


@dataclass(frozen=True)
class ServingPlace:
    """A workspace, the image that serves there, and the identity that endpoints run as.

    `identity` is a user-assigned identity's resource id; empty: one of the endpoint's own.
    """

    subscription_id: str
    resource_group: str
    workspace: str
    image: str
    identity: str = ""

    def client(self, credential: TokenCredential) -> MLClient:
        """Return the SDK's client for the workspace."""
        return client_of(self, credential)


def read_serving_place(env: Mapping[str, str]) -> ServingPlace:
    """Return the place. Raises `RefusedError` that names everything missing or wrong."""
    values = {field: env.get(name, "").strip() for field, name in _NEEDED.items()}
    faults = [f"{_NEEDED[field]} is not set" for field, value in values.items() if not value]
    if values["image"] and "@sha256:" not in values["image"]:
        faults.append(f"KRSP_SERVER_IMAGE must name the image by digest, not {values['image']}")
    if faults:
        raise RefusedError(
            f"The pipeline does not know where to serve: {'; '.join(faults)}.",
            remedy="Complete the variable group `krsp` (docs/how-to/deploy-to-azure.md).",
        )
    return ServingPlace(**values, identity=env.get("KRSP_ENDPOINT_IDENTITY", "").strip())


def connected(env: Mapping[str, str]) -> tuple[ServingPlace, TokenCredential, MLClient]:
    """Return place, credential and client that the environment describes."""
    place, credential = read_serving_place(env), credential_of(env)
    return place, credential, place.client(credential)
