"""`python -m trainer verify`: say whether a model's files are those that its run has written."""

import argparse
import json
import sys
from pathlib import Path

from trainer.contract.job import output_folder
from trainer.errors import TrainerError
from trainer.lineage import LINEAGE, changes, read_lineage
from trainer.orders import home_of
from trainer.weights import model_hash

CHANGED = 3
REPORT = "report.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", help="a model's folder, a run's output folder, or a run's id")
    parser.add_argument("--sha256", help="also refuse a model whose hash is another one")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    parser.add_argument("--home", type=Path, help="default: KRSP_HOME, else .krsp")


def main(options: argparse.Namespace) -> int:
    """Compare; return 0 for a model that is whole, 3 for a changed one, 2 for none at all."""
    try:
        folder = model_of(options.folder, home_of(options))
        known = read_lineage(folder)
    except TrainerError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return error.exit_code
    found = changes(folder, known)
    sha256 = model_hash(folder)
    expected = options.sha256 or _reported(folder)
    if expected not in (None, sha256) and not found:
        found.append(
            f"{LINEAGE} has changed: the model's sha256 is {sha256[:12]}, not {expected[:12]}"
        )
    if options.json:
        body = {"ok": not found, "run_id": known.run_id, "model_sha256": sha256, "changes": found}
        sys.stdout.write(json.dumps(body) + "\n")
    elif found:
        sys.stderr.write("".join(f"{line}.\n" for line in found))
        sys.stderr.write("Do not use this model: take it from its run again.\n")
    else:
        sys.stdout.write(
            f"The model of {known.run_id} is whole: {len(known.files)} files, sha256 {sha256}.\n"
        )
    return CHANGED if found else 0


def model_of(argument: str, home: Path) -> Path:
    """Return the model's folder that a folder or a run's id means."""
    place = Path(argument)
    if not place.exists() and output_folder(home, argument).is_dir():
        place = output_folder(home, argument)
    inner = place / "model"
    return inner if inner.is_dir() else place


def _reported(folder: Path) -> str | None:
    """Return the model's hash that its run has reported, if the report lies beside the model."""
    try:
        body = json.loads((folder.parent / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    found: str | None = body.get("model_sha256") or None
    return found
