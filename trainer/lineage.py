"""Where a run comes from, and the file beside its model that says so, with each file's hash."""

import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.checkpoint import write_whole
from trainer.contract.data_files import file_hash
from trainer.contract.spec import RunSpec, canonical_json
from trainer.errors import BadSpecError
from trainer.snapshot import SNAPSHOT, code_hash, commit_of, lock_hash
from trainer.weights import files_of

PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "datasets")
LINEAGE = "lineage.json"


@dataclass(frozen=True)
class Lineage:
    """What to keep with a model, so that it can be made again."""

    run_id: str
    attempt: int
    spec_sha256: str
    data_sha256: str
    commit: str | None
    code_sha256: str | None
    dirty: bool
    versions: dict[str, str]
    lock_sha256: str | None = None


class Hardware(BaseModel):
    """The machine of the last attempt; memory in bytes, `threads` of one process."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    cpu: str
    cores: int
    memory_bytes: int
    threads: int
    gpus: tuple[str, ...] = ()
    allocator: str = ""
    driver: str | None = None


class LineageFile(BaseModel):
    """`lineage.json`: all that is known to make the model again. `files` are name -> sha256.

    `base_sha256` is over the base model's folder, None where the model began from scratch. Its own
    hash is not among `files`; the model's hash in the run's report covers it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    run_id: str
    attempts: int
    spec: dict[str, Any]
    spec_sha256: str
    data_sha256: str
    base_sha256: str | None
    commit: str | None
    code_sha256: str | None
    dirty: bool
    lock_sha256: str | None
    image: str | None
    versions: dict[str, str]
    hardware: Hardware
    seed: int
    world_size: int
    compiled: bool = False
    precision: str = "fp32"
    files: dict[str, str]


@dataclass(frozen=True)
class Circumstances:
    """What only the run itself knows of how its model was made."""

    base_sha256: str | None
    image: str | None
    hardware: Hardware
    world_size: int
    compiled: bool
    precision: str  # of matrices; weights are in fp32


def lineage(*, run_id: str, attempt: int, spec_sha256: str, data_sha256: str) -> Lineage:
    """Return the lineage: the code's from the snapshot that it is, else as it stands here."""
    code = _code()
    return Lineage(
        run_id=run_id,
        attempt=attempt,
        spec_sha256=spec_sha256,
        data_sha256=data_sha256,
        commit=code.get("commit"),
        code_sha256=code.get("code_sha256"),
        dirty=bool(code.get("dirty")),
        versions={"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        lock_sha256=code.get("lock_sha256"),
    )


def write_lineage(
    folder: Path, origin: Lineage, spec: RunSpec, circumstances: Circumstances
) -> None:
    """Write the file into the model's folder, which is whole but for that."""
    known = asdict(origin)
    found = LineageFile(
        attempts=known.pop("attempt"),
        **known,
        **vars(circumstances),
        spec=json.loads(canonical_json(spec)),
        seed=spec.optim.seed,
        files=hashes(folder),
    )
    write_whole(folder / LINEAGE, found.model_dump_json(indent=1) + "\n")


def read_lineage(folder: Path) -> LineageFile:
    """Return what lies in a model's folder. Raises `BadSpecError`."""
    try:
        return LineageFile.model_validate_json((folder / LINEAGE).read_bytes())
    except (OSError, ValidationError) as error:
        what = "has no" if isinstance(error, OSError) else "has a damaged"
        raise BadSpecError(
            f"The folder {folder} {what} {LINEAGE}: nothing says what its files were.",
            remedy="Give the folder of a model that `python -m trainer run` has written.",
        ) from error


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of each of the model's files, the lineage itself left out."""
    return {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in files_of(folder)
        if path.name != LINEAGE
    }


def changes(folder: Path, known: LineageFile) -> list[str]:
    """Return in words each file that is not as it was written; empty for a model that is whole."""
    now = hashes(folder)
    found = []
    for name in sorted(known.files.keys() | now.keys()):
        if name not in now:
            found.append(f"{name} is missing")
        elif name not in known.files:
            found.append(f"{name} was added")
        elif now[name] != known.files[name]:
            found.append(
                f"{name} has changed (sha256 {now[name][:12]}, not {known.files[name][:12]})"
            )
    return found


def _code() -> dict[str, Any]:
    """Return what `python -m trainer snapshot` left beside this package, else what stands here."""
    root = Path(__file__).parent.parent
    path = root / SNAPSHOT
    if path.is_file():
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found
    return {"code_sha256": code_hash(root), "lock_sha256": lock_hash(), **commit_of()}
