"""The twin's own way to the blobs: for the parts of Azure ML that write or sign them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import (
    BlobSasPermissions,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from tests.azure_twin.world import STORAGE, STORAGE_KEY

ACCOUNT_URL = f"https://{STORAGE}.blob.core.windows.net"
LARGEST_APPEND = 4 * 2**20


@dataclass(frozen=True)
class Place:
    """A blob, or a folder of blobs, in a container; `path` has no slash at its ends."""

    container: str
    path: str

    @property
    def url(self) -> str:
        return f"{ACCOUNT_URL}/{self.container}/{self.path}"

    def below(self, *names: str) -> "Place":
        return Place(self.container, "/".join(filter(None, (self.path, *names))))


@dataclass(frozen=True)
class BlobFacts:
    name: str  # relative to the place that was listed
    size: int


class BlobStore:
    """Reads and writes by account key, past the twin's own checks."""

    def __init__(self, port: int, authority: Path) -> None:
        self._service = BlobServiceClient(
            f"https://127.0.0.1:{port}/{STORAGE}",
            credential={"account_name": STORAGE, "account_key": STORAGE_KEY},
            connection_verify=str(authority),
            use_env_settings=False,
            logging_enable=False,
        )

    async def close(self) -> None:
        await self._service.close()

    def _container(self, name: str) -> ContainerClient:
        return self._service.get_container_client(name)

    async def ensure_container(self, name: str) -> None:
        try:
            await self._service.create_container(name)
        except ResourceExistsError:
            return

    async def list(self, place: Place) -> list[BlobFacts]:
        """Return the blobs at or below a place."""
        found = []
        async for blob in self._container(place.container).list_blobs(name_starts_with=place.path):
            if blob.name == place.path:
                found.append(BlobFacts("", blob.size))
            elif not place.path or blob.name.startswith(place.path + "/"):
                found.append(BlobFacts(blob.name[len(place.path) :].lstrip("/"), blob.size))
        return found

    async def download(self, place: Place, folder: Path) -> int:
        """Copy a place into a folder and return how many files came; a blob keeps its name."""
        container, count = self._container(place.container), 0
        for blob in await self.list(place):
            target = folder / (blob.name or place.path.rsplit("/", 1)[-1])
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = await container.download_blob(place.below(blob.name).path)
            with target.open("wb") as file:
                await stream.readinto(file)
            count += 1
        return count

    async def upload(self, place: Place, path: Path) -> None:
        with path.open("rb") as file:
            await self._container(place.container).upload_blob(place.path, file, overwrite=True)

    async def delete(self, place: Place) -> None:
        try:
            await self._container(place.container).delete_blob(place.path)
        except ResourceNotFoundError:
            return

    async def append(self, place: Place, data: bytes) -> None:
        """Add to an append blob, so that a reader may go on by offset."""
        blob = self._container(place.container).get_blob_client(place.path)
        if not await blob.exists():
            await blob.create_append_blob()
        for begin in range(0, len(data), LARGEST_APPEND):
            await blob.append_block(data[begin : begin + LARGEST_APPEND])

    async def size(self, place: Place) -> int:
        """Return the size of a blob, 0 where there is none."""
        facts = await self.list(place)
        return next((one.size for one in facts if not one.name), 0)


def container_sas(container: str) -> str:
    """Return the query that lets its bearer read and write a container for an hour."""
    permission = ContainerSasPermissions(read=True, write=True, list=True, create=True, add=True)
    return generate_container_sas(
        STORAGE, container, account_key=STORAGE_KEY, permission=permission, expiry=_in_an_hour()
    )


def readable_url(place: Place) -> str:
    """Return the address of a blob with a signature to read it."""
    sas = generate_blob_sas(
        STORAGE,
        place.container,
        place.path,
        account_key=STORAGE_KEY,
        permission=BlobSasPermissions(read=True),
        expiry=_in_an_hour(),
    )
    return f"{place.url}?{sas}"


def _in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
