"""`python -m trainer estimate`: say parameters, tokens, memory and time without training."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from trainer.base import base_shape, find_base
from trainer.contract.data_size import epoch_tokens
from trainer.contract.estimate import Estimate, estimate
from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import SpecError
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.errors import TrainerError, failure_of
from trainer.specs import read_spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")


def main(options: argparse.Namespace) -> int:
    """Print the estimate; return 0, or 2 for a spec that cannot be used."""
    try:
        spec = read_spec(options.spec, os.environ)
        found = estimate(spec, base=_base(spec), data_tokens=epoch_tokens(spec.data, _sizes(spec)))
    except (TrainerError, SpecError) as error:
        failure = failure_of(error)
        sys.stderr.write(f"{failure.message} {failure.remedy}\n")
        return EXIT_CODES[failure.kind]
    sys.stdout.write((json.dumps(asdict(found)) if options.json else in_words(found)) + "\n")
    return 0


def in_words(found: Estimate) -> str:
    """Return the estimate as a few lines to read."""
    lines = [
        f"parameters  {found.parameters:,} ({found.trained_parameters:,} learn)",
        f"training    {found.steps:,} steps, {found.tokens:,} tokens",
        f"memory      {found.memory_bytes / 1e9:.1f} GB",
        f"time        {found.seconds:.0f} s ({found.seconds_low:.0f} to {found.seconds_high:.0f})",
        found.basis,
        *([found.spread] if found.spread else []),
        *found.warnings,
    ]
    return "\n".join(lines)


def _sizes(spec: RunSpec) -> dict[str, int]:
    """Return the bytes of the data files that lie here."""
    workdir = Path(os.environ.get("KRSP_WORKDIR", ".")).absolute()
    sources = spec.data.sources.items()
    paths = {name: workdir / source.uri for name, source in sources if ":" not in source.uri}
    files = {name: [path, *path.rglob("*")] for name, path in paths.items() if path.exists()}
    return {
        name: sum(f.stat().st_size for f in found if f.is_file()) for name, found in files.items()
    }


def _base(spec: RunSpec) -> ModelConfig | None:
    """Return the shape of a base model that lies here; packages are not fetched for a guess."""
    source = spec.model.source
    if source is None or source.startswith("pypi:"):
        return None
    home = Path(os.environ.get("KRSP_HOME", ".krsp")).absolute()
    workdir = Path(os.environ.get("KRSP_WORKDIR", ".")).absolute()
    found = find_base(source, home=home, workdir=workdir, cache=home / "cache", say=_say)
    return base_shape(found)


def _say(note: str) -> None:
    sys.stderr.write(note + "\n")
