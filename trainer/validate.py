"""`python -m trainer validate`: say everything wrong with a spec and its data, without torch."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainer.contract.faults import Fault, SpecError
from trainer.contract.spec import RunSpec, spec_hash
from trainer.data.gather import Gathered, gather
from trainer.data.read import ASSET
from trainer.errors import BadDataError
from trainer.specs import read_spec

BAD = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")


def main(options: argparse.Namespace) -> int:
    """Check; return 0 when the run may start, 2 when not."""
    workdir = Path(os.environ.get("KRSP_WORKDIR", ".")).absolute()
    try:
        spec = read_spec(options.spec, os.environ)
        gathered = None if _is_elsewhere(spec) else gather(spec, workdir)
    except SpecError as error:
        return _refuse(options, error.faults, len(error.faults), "Correct the spec.")
    except BadDataError as error:
        faults = [Fault("data", fault) for fault in error.faults]
        return _refuse(options, faults, error.count, error.remedy)
    _accept(options, spec, gathered)
    return 0


def _refuse(options: argparse.Namespace, faults: Sequence[Fault], count: int, remedy: str) -> int:
    if options.json:
        shown = [asdict(fault) for fault in faults]
        _print({"ok": False, "faults": shown, "count": count, "remedy": remedy})
        return BAD
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if count > len(faults):
        sys.stderr.write(f"... and {count - len(faults)} more.\n")
    sys.stderr.write(f"{remedy}\n")
    return BAD


def _is_elsewhere(spec: RunSpec) -> bool:
    """Return whether data is an asset in Azure: its hash is compared when the job is submitted."""
    return any(source.uri.startswith(ASSET) for source in spec.data.sources.values())


def _accept(options: argparse.Namespace, spec: RunSpec, gathered: Gathered | None) -> None:
    found: dict[str, Any] = {"ok": True, "spec_sha256": spec_hash(spec)}
    said = f"The spec {spec.name} is good (sha256 {found['spec_sha256']}). {spec.data.in_words} "
    if gathered is None:
        said += "is read where the job runs; its hash is compared when the job is submitted."
    else:
        train, judged = len(gathered.split.train), len(gathered.split.held_out)
        found |= {"data_sha256": gathered.sha256, "rows": gathered.rows}
        found |= {"rows_train": train, "rows_eval": judged}
        said += f"has {gathered.rows} rows: {train} to learn, {judged} held out."
    if options.json:
        _print(found)
    else:
        sys.stdout.write(f"{said}\n")


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
