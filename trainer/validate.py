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
        gathered = gather(spec, workdir)
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


def _accept(options: argparse.Namespace, spec: RunSpec, gathered: Gathered) -> None:
    found = {
        "ok": True,
        "spec_sha256": spec_hash(spec),
        "data_sha256": gathered.sha256,
        "rows": gathered.rows,
        "rows_train": len(gathered.split.train),
        "rows_eval": len(gathered.split.held_out),
    }
    if options.json:
        _print(found)
        return
    sys.stdout.write(
        f"The spec {spec.name} is good (sha256 {found['spec_sha256']}). {spec.data.train.uri} has "
        f"{gathered.rows} rows: {found['rows_train']} to learn, {found['rows_eval']} held out.\n"
    )


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
