"""`python -m trainer validate`: say everything wrong with a spec and its data, without torch."""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainer.contract.faults import Fault, SpecError
from trainer.contract.spec import RunSpec, spec_hash
from trainer.data.card import data_card
from trainer.data.cautions import Caution, cautions, too_long
from trainer.data.census import Census
from trainer.data.gather import Gathered, gather
from trainer.data.lengths import counter_of, known_tokenizer
from trainer.data.read import ASSET
from trainer.errors import BadDataError, TrainerError
from trainer.hub import refuse_unpinned
from trainer.specs import read_spec

BAD = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    parser.add_argument("--card", type=Path, metavar="FILE", help="write the data card to FILE")
    parser.add_argument(
        "--preview",
        type=int,
        metavar="N",
        help="show what the model will see of the first N rows, and which words it learns",
    )


def main(options: argparse.Namespace) -> int:
    """Check; return 0 when the run may start, 2 when not."""
    try:
        spec = read_spec(options.spec, os.environ)
        refuse_unpinned(spec.model)
        _check(options, spec)
    except SpecError as error:
        return _refuse(options, error.faults, len(error.faults), "Correct the spec.")
    except BadDataError as error:
        faults = [Fault("data", fault) for fault in error.faults]
        return _refuse(options, faults, error.count, error.remedy)
    except TrainerError as error:
        return _refuse(options, [Fault("model", error.message)], 1, error.remedy)
    return 0


def _check(options: argparse.Namespace, spec: RunSpec) -> None:
    if _is_elsewhere(spec):
        _accept_elsewhere(options, spec)
        return
    workdir = Path(os.environ.get("KRSP_WORKDIR", ".")).absolute()
    tokenizer = known_tokenizer(spec, os.environ)
    count_tokens = counter_of(tokenizer) if tokenizer is not None else None
    census = Census(spec.data.max_length, count_tokens)
    gathered = gather(spec, workdir, census=census)
    _refuse_too_long(census, spec)
    found: dict[str, Any] = _counts(spec, gathered)
    warned = cautions(census, spec.data)
    found["warnings"] = [asdict(one) for one in warned]
    said = _in_words(spec, gathered, warned)
    if options.preview:
        # It loads transformers, for the chat template.
        preview = importlib.import_module("trainer.preview")
        shown = preview.preview(spec, gathered, tokenizer, rows=options.preview)
        found["preview"] = [asdict(one) for one in shown]
        said += preview.in_words(shown)
    if options.card is not None:
        options.card.write_text(data_card(spec, gathered, census), "utf-8")
        said += f"The data card is in {options.card}.\n"
    _say(options, found, said)


def _counts(spec: RunSpec, gathered: Gathered) -> dict[str, Any]:
    return {
        "ok": True,
        "spec_sha256": spec_hash(spec),
        "data_sha256": gathered.sha256,
        "rows": gathered.rows,
        "rows_train": len(gathered.split.train),
        "rows_eval": len(gathered.split.held_out),
    }


def _in_words(spec: RunSpec, gathered: Gathered, warned: Sequence[Caution]) -> str:
    train, judged = len(gathered.split.train), len(gathered.split.held_out)
    said = f"{_good(spec)} has {gathered.rows} rows: {train} to learn, {judged} held out.\n"
    return said + "".join(f"Warning: {one.in_words}\n" for one in warned)


def _say(options: argparse.Namespace, found: dict[str, Any], said: str) -> None:
    if options.json:
        _print(found)
    else:
        sys.stdout.write(said)


def _refuse_too_long(census: Census, spec: RunSpec) -> None:
    found = too_long(census, spec.data)
    if found is not None:
        limit = spec.data.max_length
        raise BadDataError(
            f"{found.count} rows have more than {limit} tokens.",
            remedy="Raise data.max_length, or set data.overlength to drop or truncate.",
            faults=[f"{place}: longer than {limit} tokens." for place in found.places],
            count=found.count,
        )


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


def _accept_elsewhere(options: argparse.Namespace, spec: RunSpec) -> None:
    said = f"{_good(spec)} is read where the job runs; its hash is compared when the job is "
    _say(options, {"ok": True, "spec_sha256": spec_hash(spec)}, f"{said}submitted.\n")


def _good(spec: RunSpec) -> str:
    return f"The spec {spec.name} is good (sha256 {spec_hash(spec)}). {spec.data.in_words}"


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
