"""The files that a job leaves: its model, and what is small and worth a look."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from bot.adapters.azure.blobs import PIECE_BYTES, Artifacts
from bot.adapters.azure.workspace import ARTIFACTS, FILES, Workspace
from bot.errors import NotFoundError
from bot.ports import ResultFile
from trainer.contract.azure_job import ARTIFACTS_FOLDER, MODEL_OUTPUT, artifact_prefix

_DATASTORE = re.compile(r"azureml://(?:.*/)?datastores/(?P<store>[^/]+)/(?:paths/)?(?P<path>.+)")

Place = tuple[str, str, int]  # datastore, path of the blob, size


class Results:
    """Finds results of a job, and opens them. Calls block: from a thread only."""

    def __init__(self, workspace: Workspace, artifacts: Artifacts) -> None:
        self._workspace, self._artifacts = workspace, artifacts

    def listed(self, name: str) -> Sequence[ResultFile]:
        """Return the results sorted by path."""
        return [ResultFile(path, place[2]) for path, place in sorted(self._places(name).items())]

    def open(self, name: str, path: str) -> Callable[[int], bytes]:
        """Return what reads a piece from an offset. Raises `NotFoundError` for no such result.

        The path only ever begins a listing, and no address is made of it: `..` leads nowhere.
        """
        place = self._places(name, path).get(path)
        if place is None:
            raise NotFoundError(f"There is no result `{path}`; the run's page lists them.")
        store, blob, size = place
        client = self._workspace.blobs(store).get_blob_client(blob)

        def piece(offset: int) -> bytes:
            length = min(PIECE_BYTES, size - offset)
            if length <= 0:
                return b""
            return client.download_blob(offset=offset, length=length).readall()

        return piece

    def _places(self, name: str, start: str = "") -> dict[str, Place]:
        """Return where the results lie whose paths begin with `start`."""
        below, job = f"{ARTIFACTS_FOLDER}/", artifact_prefix(name)
        found = {
            blob.path.removeprefix(below): (ARTIFACTS, job + blob.path, blob.bytes)
            for blob in self._artifacts.of_job(name, below + start)
        }
        return {**found, **self._model(name, start)}

    def _model(self, name: str, start: str) -> dict[str, Place]:
        folder = f"{MODEL_OUTPUT}/"
        if start and not start.startswith(folder):
            return {}
        try:
            job: Any = self._workspace.ml.jobs.get(name)
        except ResourceNotFoundError:
            return {}
        output = (getattr(job, "outputs", None) or {}).get(MODEL_OUTPUT)
        place = _DATASTORE.match(str(getattr(output, "path", None) or ""))
        if place is None or place["store"] != FILES:
            return {}
        prefix = place["path"].rstrip("/") + "/"
        wanted = prefix + start.removeprefix(folder)
        return {
            folder + blob.name.removeprefix(prefix): (FILES, blob.name, int(blob.size or 0))
            for blob in self._workspace.blobs(FILES).list_blobs(name_starts_with=wanted)
        }
