"""Fetch one model of Hugging Face's hub into a folder; each line of the output is a `Told`."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from trainer.checkpoint import write_whole
from trainer.contract.architectures import config_fault
from trainer.contract.data_files import file_hash
from trainer.contract.hub import (
    CONFIG,
    HUB,
    INDEX,
    HubError,
    HubFile,
    away,
    is_commit,
    needed_files,
    refusal,
)
from trainer.errors import is_disk_full
from trainer.hub import RECORD, Record, Request, Told

ANSWER_S = 20
REFUSED = 1


class SmallDiskError(HubError):
    """The disk does not hold the model."""


def main(arguments: Sequence[str]) -> int:
    """Fetch what the request names; the last line says why it cannot be, if it cannot."""
    request = Request.model_validate_json(arguments[0])
    try:
        _fetch(request)
    except HubError as error:
        return _refuse(error)
    except HfHubHTTPError as error:
        answer = error.response
        code, said = (answer.headers.get(name, "") for name in ("X-Error-Code", "X-Error-Message"))
        status = answer.status_code
        return _refuse(refusal(request.name, request.revision, status, code=code, said=said))
    except httpx2.HTTPError as error:
        return _refuse(away(constants.ENDPOINT, type(error).__name__))
    except OSError as error:
        if not is_disk_full(error):
            raise
        return _refuse(_no_space(request, "no more could be written"))
    return 0


def _fetch(request: Request) -> None:
    name, revision = request.name, request.revision
    info = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=ANSWER_S)
    if not is_commit(revision):
        raise HubError(
            f"The base model {HUB}{name}@{revision} can change: a run needs its commit.",
            remedy=f"Set model.revision to {info.sha}, which it is now.",
        )
    there = [
        HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else None, one.blob_id)
        for one in info.siblings or ()
    ]
    files = needed_files(name, there, with_tokenizer=request.with_tokenizer)
    request.folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not _is_here(request.folder, file)]
    _refuse_small_disk(request, missing)
    size = f"{sum(file.size for file in missing) / 1e6:,.1f} MB"
    said = f"fetching {HUB}{name} at commit {revision[:12]}: {size} in {len(missing)} files"
    kept = f"; {len(files) - len(missing)} are here already" if len(missing) < len(files) else ""
    _tell(Told(text=said + kept))
    for file in files:
        if file in missing:
            _bring(request, file)
        _look_into(request.folder, file, files, name)
    _record(request, files)


def _is_here(folder: Path, file: HubFile) -> bool:
    """Return whether the file was brought before; it got its name once its hash was right."""
    path = folder / file.name
    return path.is_file() and path.stat().st_size == file.size


def _refuse_small_disk(request: Request, missing: Iterable[HubFile]) -> None:
    parts = [_part(request.folder, file) for file in missing]
    here = sum(part.stat().st_size for part in parts if part.is_file())
    needed = sum(file.size for file in missing) - here
    free = shutil.disk_usage(request.folder).free
    if needed > free:
        raise _no_space(request, f"it takes {needed / 1e9:.1f} GB, and {free / 1e9:.1f} are free")


def _bring(request: Request, file: HubFile) -> None:
    """Write the file, going on from what came before an interruption. Raises `HubError`."""
    part, path = _part(request.folder, file), request.folder / file.name
    found = get_hf_file_metadata(hf_hub_url(request.name, file.name, revision=request.revision))
    headers = build_hf_headers()
    if urlsplit(found.location).netloc != urlsplit(constants.ENDPOINT).netloc:
        headers.pop("authorization", None)  # the token is for the hub, not for its storage
    if part.is_file() and part.stat().st_size > file.size:
        part.unlink()
    with part.open("ab") as content:
        size = content.tell()
        http_get(
            found.location, content, resume_size=size, headers=headers, expected_size=file.size
        )
    if not _is_as_listed(part, file):
        part.unlink()
        raise HubError(
            f"The file {file.name} of {request.name} came damaged: its hash is not the hub's.",
            remedy="Start again; if it comes damaged again, look at the mirror or proxy.",
        )
    part.rename(path)


def _part(folder: Path, file: HubFile) -> Path:
    return folder / f".{file.name}.part"


def _is_as_listed(path: Path, file: HubFile) -> bool:
    """Return whether the content has the hash that the hub lists: sha256, or git's of a blob."""
    if file.sha256 is not None:
        return file_hash(path) == file.sha256
    content = path.read_bytes()
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest() == file.blob_id


def _look_into(folder: Path, file: HubFile, files: Iterable[HubFile], name: str) -> None:
    """Refuse a model that will not do before its weights are fetched, which take longest."""
    if file.name == CONFIG:
        fault = config_fault(_read(folder, file))
        if fault is not None:
            raise HubError(f"The model {name} {fault}", remedy="Choose another base model.")
    if file.name == INDEX:
        shards = set(_read(folder, file).get("weight_map", {}).values())
        absent = sorted(shards - {one.name for one in files})
        if absent:
            raise HubError(
                f"The model {name} is not whole: its index names {absent[0]}, which is not there.",
                remedy="Choose another revision or another base model.",
            )


def _read(folder: Path, file: HubFile) -> dict[str, Any]:
    try:
        found = json.loads((folder / file.name).read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HubError(
            f"The file {file.name} of the model is no JSON object.",
            remedy="Choose another revision or another base model.",
        )
    return found


def _record(request: Request, files: Iterable[HubFile]) -> None:
    hashes = {
        file.name: (file.sha256 or file_hash(request.folder / file.name), file.size)
        for file in files
    }
    record = Record(
        name=request.name,
        commit=request.revision,
        has_tokenizer=request.with_tokenizer,
        files=hashes,
    )
    write_whole(request.folder / RECORD, record.model_dump_json(indent=1))


def _no_space(request: Request, why: str) -> SmallDiskError:
    return SmallDiskError(
        f"The disk is too full for the base model {HUB}{request.name}: {why}.",
        remedy="Free space, or put KRSP_HOME on a larger disk; what has come is kept.",
    )


def _refuse(error: HubError) -> int:
    kind: Literal["model", "disk"] = "disk" if isinstance(error, SmallDiskError) else "model"
    _tell(Told(text=error.message, remedy=error.remedy, kind=kind))
    return REFUSED


def _tell(told: Told) -> None:
    sys.stdout.write(told.model_dump_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
