"""Where an azureml:// address points to in the storage account."""

import re
from urllib.parse import urlsplit

from tests.azure_twin.arm.errors import bad_request
from tests.azure_twin.blob.store import ACCOUNT_URL, Place
from tests.azure_twin.world import (
    ARTIFACT_STORE,
    BLOB_STORE,
    RESOURCE_GROUP,
    SUBSCRIPTION,
    WORKSPACE,
)

CONTAINERS = {"workspaceblobstore": BLOB_STORE, "workspaceartifactstore": ARTIFACT_STORE}
ARTIFACTS = "azureml://datastores/workspaceartifactstore"

_DATASTORE = re.compile(
    r"azureml://(?:subscriptions/[^/]+/resource[gG]roups/[^/]+/(?:providers/[^/]+/)?"
    r"workspaces/[^/]+/)?datastores/(?P<store>[^/]+)/(?:paths/)?(?P<path>.*)"
)


def place_of(uri: str) -> Place:
    """Return the container and path of a datastore's or the account's own address."""
    found = _DATASTORE.fullmatch(uri)
    if found is not None:
        container = CONTAINERS.get(found["store"])
        if container is None:
            raise bad_request(f"The workspace has no datastore {found['store']!r}.")
        return Place(container, found["path"].strip("/"))
    if uri.startswith(ACCOUNT_URL):
        container, _, path = urlsplit(uri).path.strip("/").partition("/")
        return Place(container, path.strip("/"))
    raise bad_request(f"The address {uri!r} is not one of this workspace.")


def short_uri(place: Place) -> str:
    store = next(name for name, held in CONTAINERS.items() if held == place.container)
    return f"azureml://datastores/{store}/paths/{place.path}"


def long_uri(uri: str) -> str:
    """Return the form with subscription, group and workspace, as the service stores it."""
    scope = f"subscriptions/{SUBSCRIPTION}/resourcegroups/{RESOURCE_GROUP}/workspaces/{WORKSPACE}"
    return uri.replace("azureml://datastores/", f"azureml://{scope}/datastores/", 1)


def run_place(job: str) -> Place:
    """Return where a job's logs and `outputs/` are."""
    return Place(ARTIFACT_STORE, f"ExperimentRun/dcid.{job}")
