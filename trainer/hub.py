"""Keep models of Hugging Face's hub in the cache: fetched whole, once, at one commit.

A process of its own asks the hub (`trainer.hub_fetch`): this one has told every library that there
is no hub (`trainer.run.QUIET`), so that none of them asks for anything by itself.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.contract.hub import HUB, MAIN, is_commit
from trainer.contract.spec import ModelSpec
from trainer.errors import BadSpecError, DiskFullError, PreemptedError, TrainerError

# Hidden, so that it is no part of the model's hash. It is written last: a folder with it is whole.
RECORD = ".hub.json"
OFF = frozenset({"1", "ON", "YES", "TRUE"})  # as huggingface_hub reads HF_HUB_OFFLINE
_STOPPED = (-signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT)
_REFUSALS: Mapping[str, type[TrainerError]] = {"model": BadSpecError, "disk": DiskFullError}


class Request(BaseModel):
    """What the process that asks the hub is to fetch, and where to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    revision: str
    folder: Path
    with_tokenizer: bool


class Told(BaseModel):
    """A line that it says; with a remedy it is the reason why it ends without the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    remedy: str = ""
    kind: Literal["model", "disk"] = "model"


class Record(BaseModel):
    """What was fetched: the commit, and the sha256 and size of each file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    commit: str
    has_tokenizer: bool
    files: dict[str, tuple[str, int]]


def is_off(env: Mapping[str, str]) -> bool:
    """Return whether a person has forbidden to ask the hub."""
    return (env.get("HF_HUB_OFFLINE") or "").upper() in OFF


def kept(model: ModelSpec, cache: Path) -> Path | None:
    """Return the model's folder in the cache if all that was fetched is still there."""
    if not is_commit(model.revision):
        return None
    folder = _place(model, cache)
    try:
        record = Record.model_validate_json((folder / RECORD).read_bytes())
        sizes = {name: (folder / name).stat().st_size for name in record.files}
    except (OSError, ValidationError):
        return None
    whole = all(size == record.files[name][1] for name, size in sizes.items())
    return folder if whole and (model.tokenizer or record.has_tokenizer) else None


def fetch(model: ModelSpec, cache: Path, *, off: bool, say: Callable[[str], None]) -> Path:
    """Return the model's folder below `cache`, fetched on the first call; one process at a time.

    `HF_TOKEN` opens gated models, `HF_ENDPOINT` names a mirror. What has come of a fetch that was
    interrupted is not fetched again. Raises `BadSpecError` for a model that is not there, may not
    be read or cannot be used, `OSError` for a full disk, `PreemptedError` when stopped.
    """
    found = kept(model, cache)
    if found is not None:
        return found
    if off:
        refuse_unpinned(model)
        raise BadSpecError(
            f"The base model {shown(model)} is not in the cache, and HF_HUB_OFFLINE forbids asking "
            "the hub for it.",
            remedy="Unset HF_HUB_OFFLINE, or name the folder of a copy of it.",
        )
    folder = _place(model, cache)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        found = kept(model, cache)  # another process may have been faster
        if found is None:
            _fetch(model, folder, say)
    return folder


def refuse_unpinned(model: ModelSpec) -> None:
    """Raise `BadSpecError` for a model of the hub whose revision is no commit in full."""
    if (model.source or "").startswith(HUB) and not is_commit(model.revision):
        raise BadSpecError(
            f"The base model {shown(model)} can change: a run needs its commit.",
            remedy="Set model.revision to the 40 digits of the commit; a plan of the bot has them.",
        )


def shown(model: ModelSpec) -> str:
    """Return the model and its revision as people write them."""
    return f"{model.source}@{model.revision or MAIN}"


def _place(model: ModelSpec, cache: Path) -> Path:
    assert model.source is not None
    name = model.source.removeprefix(HUB).replace("/", "--")
    return cache / "models" / "hub" / name / (model.revision or MAIN)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine out meanwhile; the lock goes with the process."""
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(model: ModelSpec, folder: Path, say: Callable[[str], None]) -> None:
    """Run the process that asks the hub, and pass on what it says."""
    request = Request(
        name=str(model.source).removeprefix(HUB),
        revision=model.revision or MAIN,
        folder=folder,
        with_tokenizer=model.tokenizer is None,
    )
    command = [sys.executable, "-m", "trainer.hub_fetch", request.model_dump_json()]
    env = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    refused: TrainerError | None = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told = Told.model_validate_json(line)
            if told.remedy:
                refused = _REFUSALS[told.kind](told.text, remedy=told.remedy)
            else:
                say(told.text)
    if refused is not None:
        raise refused
    if process.returncode in _STOPPED:
        raise PreemptedError(
            f"Stopped while the base model {shown(model)} was fetched.",
            remedy="Start it again: what has come is kept, and the rest is fetched.",
        )
    if process.returncode != 0:
        raise RuntimeError(f"trainer.hub_fetch ended with code {process.returncode}")
