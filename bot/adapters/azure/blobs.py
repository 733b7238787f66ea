"""What jobs write into the workspace's storage: listed by prefix, read by offset.

With storage that the bot's identity may not read there is a second way: run history hands out a
short-lived address for each log of a job.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobClient

from bot.adapters.azure.workspace import ARTIFACTS, PATIENCE, Workspace
from trainer.contract.azure_job import LOG_PREFIX, PROGRESS_PREFIX, artifact_prefix
from trainer.contract.names import job_name

log = logging.getLogger(__name__)

PIECE_BYTES = 4 << 20
MOST_SUBMISSIONS = 9
_TRY_AGAIN_S = 300.0  # after a refusal: roles take minutes to spread
_FOLDER = re.compile(r"^ExperimentRun/dcid\.(?P<job>[^/]+)/(?P<path>.+)$")
_WANTED = (PROGRESS_PREFIX, LOG_PREFIX)


@dataclass(frozen=True)
class Blob:
    """A file of a job; `url` is set where it must be read by an address of its own."""

    job: str
    path: str
    bytes: int
    changed_at: datetime | None
    url: str | None = None


class Artifacts:
    """The artifacts of jobs. Calls block: from a thread only."""

    def __init__(self, workspace: Workspace, now: Callable[[], float] = time.monotonic) -> None:
        self._workspace, self._now = workspace, now
        self._refused_at: float | None = None

    def of_run(self, run_id: str) -> Sequence[Blob]:
        """Return the files of all of a run's jobs, sorted by job and path."""
        if self._refused_at is not None and self._now() - self._refused_at < _TRY_AGAIN_S:
            return self._by_history(run_id)
        try:
            found = self._by_storage(f"ExperimentRun/dcid.{run_id}")
        except HttpResponseError as error:
            if error.status_code != 403:
                raise
            log.warning("storage cannot be read; logs are read through run history instead")
            self._refused_at = self._now()
            return self._by_history(run_id)
        self._refused_at = None
        return [blob for blob in found if _is_of(blob.job, run_id)]

    def of_job(self, job: str, start: str = "") -> Sequence[Blob]:
        """Return the files of one job whose paths begin with `start`, sorted by path.

        Raises where storage cannot be read.
        """
        return self._by_storage(artifact_prefix(job) + start)

    def read(self, blob: Blob, offset: int, length: int) -> bytes:
        """Return a part of a file, short at its end, empty where the file is gone."""
        if blob.url is not None:
            client = BlobClient.from_blob_url(blob.url, **PATIENCE)
        else:
            path = artifact_prefix(blob.job) + blob.path
            client = self._workspace.blobs(ARTIFACTS).get_blob_client(path)
        try:
            return client.download_blob(offset=offset, length=length).readall()
        except HttpResponseError as error:
            if error.status_code in (404, 416):  # gone since it was listed, or nothing there yet
                return b""
            raise

    def _by_storage(self, prefix: str) -> list[Blob]:
        found = []
        for each in self._workspace.blobs(ARTIFACTS).list_blobs(name_starts_with=prefix):
            place = _FOLDER.match(each.name)
            if place is not None:
                size = int(each.size or 0)
                found.append(Blob(place["job"], place["path"], size, each.last_modified))
        return sorted(found, key=_order)

    def _by_history(self, run_id: str) -> list[Blob]:
        found = []
        for number in range(1, MOST_SUBMISSIONS + 1):
            job = job_name(run_id, number)
            try:
                details = self._workspace.history(f"runs/{job}/details")
            except ResourceNotFoundError:
                break
            except HttpResponseError as error:
                if error.status_code != 404:
                    raise
                break
            found += self._of_details(job, details.get("logFiles") or {})
        return sorted(found, key=_order)

    def _of_details(self, job: str, files: Mapping[str, str]) -> list[Blob]:
        found = []
        for path, url in files.items():
            if path.startswith(_WANTED):
                seen = BlobClient.from_blob_url(url, **PATIENCE).get_blob_properties()
                found.append(Blob(job, path, int(seen.size), seen.last_modified, url))
        return found


def _is_of(job: str, run_id: str) -> bool:
    """Return whether a folder with the run's prefix is one of its submissions'."""
    return re.fullmatch(rf"{re.escape(run_id)}(-r\d{{1,2}})?", job) is not None


def _order(blob: Blob) -> tuple[int, str, str]:
    """Sort `-r10` after `-r9`."""
    return len(blob.job), blob.job, blob.path
