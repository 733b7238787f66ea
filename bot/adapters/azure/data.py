"""Data and base models as the azure profile names them: versioned assets of the workspace."""

import re
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from bot.adapters.azure.workspace import Workspace
from bot.errors import FieldFault, InputError
from bot.service import BaseFolder, DataFile
from trainer.contract.azure_job import Tag

SCHEME = "azureml:"
SIZE = "krsp.bytes"  # tag of an asset: the estimate is better with it
UNKNOWN_BYTES = 4_000_000  # about a million tokens, as the estimate assumes
_NAME = re.compile(r"azureml:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,254})(?::(?P<version>[\w.-]+))?")
_KINDS = frozenset({"uri_file", "uri_folder"})
_SHA256 = re.compile(r"[0-9a-f]{64}")


class AzureData:
    """Finds data assets; a name without a version means the newest, which is then pinned."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def find(self, uri: str) -> DataFile | None:
        """Return the asset, pinned to its version, with its hash; None for a built-in source.

        Raises `InputError` for what a job in Azure cannot read, or nobody has hashed.
        """
        if uri.startswith("builtin:"):
            return None
        named = _NAME.fullmatch(uri)
        if named is None:
            raise _refused(uri, _why_not(uri))
        asset = await self._workspace.ask(
            f"look for the data {uri}", lambda w: _asset(w, named["name"], named["version"])
        )
        if asset is None:
            raise _refused(uri, "is no data asset of the workspace; register it, or check the name")
        return _file(uri, asset)

    async def find_folder(self, name: str) -> BaseFolder:
        """Refuse: a folder on somebody's machine is nothing that a job in Azure could read."""
        raise _refused(name, "is a folder; in Azure build on `run:<run id>` or a published model")


def _why_not(uri: str) -> str:
    if uri.startswith(SCHEME):
        return "is no name of a data asset; write `azureml:<name>` or `azureml:<name>:<version>`"
    return (
        "is a file that a job in Azure cannot read; register it as a data asset "
        "(`az ml data create`, see docs/how-to/deploy-to-azure.md) and write "
        "`azureml:<name>:<version>`"
    )


def _asset(workspace: Workspace, name: str, version: str | None) -> Any:
    """Return the asset, or None; azure-ai-ml wraps "not found" for a label, not for a version."""
    try:
        if version is None:
            return workspace.ml.data.get(name, label="latest")
        return workspace.ml.data.get(name, version=version)
    except ResourceNotFoundError:
        return None
    except AzureError as error:
        if _is_absence(error):
            return None
        raise


def _is_absence(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ResourceNotFoundError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _file(uri: str, asset: Any) -> DataFile:
    if asset.type not in _KINDS:
        raise _refused(uri, f"is of type {asset.type}; a run reads one file (uri_file)")
    marks = {**(asset.properties or {}), **(asset.tags or {})}
    sha256 = str(marks.get(Tag.DATA_SHA256.value) or "")
    if not _SHA256.fullmatch(sha256):
        raise _refused(
            uri,
            "has no tag `krsp.sha256`, so nobody could tell whether it changes; register it with "
            "the sha256 of its file",
        )
    size = str(marks.get(SIZE) or "")
    pinned = f"{SCHEME}{asset.name}:{asset.version}"
    return DataFile(pinned, int(size) if size.isdigit() else UNKNOWN_BYTES, sha256)


def _refused(uri: str, why: str) -> InputError:
    return InputError(f"The data `{uri}` {why}.", (FieldFault("data", f"`{uri}` {why}"),))
