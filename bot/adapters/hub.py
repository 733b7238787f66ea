"""Find base models on Hugging Face's hub: their commit, their shape, what a run will fetch."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import FieldFault, InputError, UnavailableError
from bot.service import HubModel
from trainer.contract.architectures import config_fault
from trainer.contract.hub import (
    CONFIG,
    ENDPOINT,
    HUB,
    MAIN,
    HubError,
    away,
    files_of,
    is_commit,
    needed_files,
    refusal,
)
from trainer.contract.shape import shape_of
from trainer.contract.spec import ModelSpec

# Somebody waits for the plan; a hub that takes longer is told to be away.
TIMEOUT = aiohttp.ClientTimeout(total=15)
MOST_BYTES = 16_000_000  # of an answer: the longest list of files seen has a few hundred kB
OFF = frozenset({"1", "ON", "YES", "TRUE"})


class Known(BaseModel):
    """What the hub says of a model at a commit, which never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[dict[str, Any], ...]
    config: dict[str, Any] | None


class Hub:
    """Asks the hub once for each commit, and keeps the answer in `folder`."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        """`env` may have HF_ENDPOINT (a mirror), HF_TOKEN and HF_HUB_OFFLINE."""
        self._folder = folder
        self._endpoint = (env.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
        token = env.get("HF_TOKEN")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._is_off = (env.get("HF_HUB_OFFLINE") or "").upper() in OFF

    async def find(self, model: ModelSpec) -> HubModel:
        """Return the model at the commit that its revision stands for now.

        Raises `InputError` for a model that is not there, may not be read or cannot be trained,
        and `UnavailableError` where the hub does not answer.
        """
        name, revision = (model.source or "").removeprefix(HUB), model.revision or MAIN
        try:
            commit, known = await self._known(name, revision)
            files = files_of(known.files)
            needed = needed_files(name, files, with_tokenizer=model.tokenizer is None)
            _refuse_other(name, known)
        except HubError as error:
            raise _in_words(error) from error
        size = sum(file.size for file in needed)
        try:
            return HubModel(commit, shape_of(known.config or {}), size)
        except (ValueError, KeyError, TypeError):
            return HubModel(commit, None, size)

    async def _known(self, name: str, revision: str) -> tuple[str, Known]:
        kept = self._kept(name, revision)
        if kept is not None:
            return revision, kept
        if self._is_off:
            raise HubError(
                f"HF_HUB_OFFLINE forbids asking the hub for {name}@{revision}.",
                remedy="Name the commit of a model that was used before, or the folder of a copy.",
                is_away=True,
            )
        async with aiohttp.ClientSession(
            timeout=TIMEOUT, trust_env=True, headers=self._headers
        ) as session:
            path = f"/api/models/{name}/revision/{quote(revision, safe='')}?blobs=true"
            info = await self._ask(session, path, (name, revision))
            commit = str(info.get("sha", ""))
            if not is_commit(commit):
                raise away(self._endpoint, "its answer names no commit")
            files = tuple(info.get("siblings") or ())
            config = None
            if any(file.get("rfilename") == CONFIG for file in files):
                path = f"/{name}/resolve/{commit}/{CONFIG}"
                config = await self._ask(session, path, (name, commit))
        known = Known(files=files, config=config)
        self._keep(name, commit, known)
        return commit, known

    async def _ask(
        self, session: aiohttp.ClientSession, path: str, model: tuple[str, str]
    ) -> dict[str, Any]:
        """Return the JSON object at `path`. Raises `HubError`."""
        try:
            async with session.get(self._endpoint + path) as response:
                if response.status != 200:
                    code = response.headers.get("X-Error-Code", "")
                    said = response.headers.get("X-Error-Message", "")
                    raise refusal(*model, response.status, code=code, said=said)
                found = json.loads(await response.content.read(MOST_BYTES))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise away(self._endpoint, type(error).__name__) from error
        except (ValueError, RecursionError) as error:
            raise away(self._endpoint, "its answer is no JSON") from error
        if not isinstance(found, dict):
            raise away(self._endpoint, "its answer is no JSON object")
        return found

    def _kept(self, name: str, revision: str) -> Known | None:
        if not is_commit(revision):
            return None
        try:
            return Known.model_validate_json(self._file(name, revision).read_bytes())
        except (OSError, ValidationError):
            return None

    def _keep(self, name: str, commit: str, known: Known) -> None:
        path = self._file(name, commit)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(known.model_dump_json(), "utf-8")
        beside.replace(path)

    def _file(self, name: str, commit: str) -> Path:
        return self._folder / name.replace("/", "--") / f"{commit}.json"


def _refuse_other(name: str, known: Known) -> None:
    fault = config_fault(known.config or {})
    if fault is not None:
        raise HubError(f"The model {name} {fault}", remedy="Choose another base model.")


def _in_words(error: HubError) -> InputError | UnavailableError:
    said = f"{error.message} {error.remedy}"
    return (
        UnavailableError(said) if error.is_away else InputError(said, (FieldFault("base", said),))
    )
