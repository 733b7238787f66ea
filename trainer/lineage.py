"""Where a run comes from: code, versions, data and spec, as far as they can be known."""

import importlib.metadata
import json
import platform
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "datasets")
SNAPSHOT = "snapshot.json"


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


def lineage(*, run_id: str, attempt: int, spec_sha256: str, data_sha256: str) -> Lineage:
    """Return the lineage; commit and code hash are known when the code is a snapshot."""
    snapshot = _snapshot()
    return Lineage(
        run_id=run_id,
        attempt=attempt,
        spec_sha256=spec_sha256,
        data_sha256=data_sha256,
        commit=snapshot.get("commit"),
        code_sha256=snapshot.get("code_sha256"),
        dirty=bool(snapshot.get("dirty")),
        versions={"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
    )


def _snapshot() -> dict[str, str]:
    """Return what `python -m trainer snapshot` left beside this package, if it did."""
    path = Path(__file__).parent.parent / SNAPSHOT
    if not path.is_file():
        return {}
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found
