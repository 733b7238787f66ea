"""`python -m trainer estimate`: say parameters, memory, time and cost without training."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import yaml

from trainer.base import Places, base_at_hand, base_shape
from trainer.contract.data_size import epoch_tokens
from trainer.contract.estimate import Estimate, estimate
from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import SpecError
from trainer.contract.memory import RANGE_MEMORY, Memory
from trainer.contract.price import cost_of, price_of
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.errors import BadSpecError, TrainerError, failure_of
from trainer.specs import read_spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    cost = parser.add_mutually_exclusive_group()
    cost.add_argument("--price", type=float, help="what one machine costs an hour")
    cost.add_argument("--prices", type=Path, help="a policy file of the bot, for its price list")


def main(options: argparse.Namespace) -> int:
    """Print the estimate; return 0, or 2 for a spec that cannot be used."""
    try:
        spec = read_spec(options.spec, os.environ)
        price = _price(options, spec)
        found = estimate(spec, base=_base(spec), data_tokens=epoch_tokens(spec.data, _sizes(spec)))
    except (TrainerError, SpecError) as error:
        failure = failure_of(error)
        sys.stderr.write(f"{failure.message} {failure.remedy}\n")
        return EXIT_CODES[failure.kind]
    cost = None if price is None else costs(found, price, spec.compute.nodes)
    body = json.dumps({**asdict(found), "cost": cost}) if options.json else in_words(found, cost)
    sys.stdout.write(body + "\n")
    return 0


def in_words(found: Estimate, cost: tuple[float, float, float] | None = None) -> str:
    """Return the estimate as a few lines to read; `cost` is low, expected and high."""
    low, high = (factor * found.memory_bytes / 1e9 for factor in RANGE_MEMORY)
    lines = [
        f"parameters  {found.parameters:,} ({found.trained_parameters:,} learn)",
        f"training    {found.steps:,} steps, {found.tokens:,} tokens",
        f"arithmetic  {found.flops:.2e} FLOPs, {found.flops_per_token:.2e} a token",
        f"memory      {found.memory_bytes / 1e9:.1f} GB ({low:.1f} to {high:.1f})",
        *(() if found.memory is None else [_parts(found.memory)]),
        f"time        {found.seconds:.0f} s ({found.seconds_low:.0f} to {found.seconds_high:.0f})",
        *(() if cost is None else [f"cost        {cost[1]:.2f} ({cost[0]:.2f} to {cost[2]:.2f})"]),
        found.basis,
        *([found.spread] if found.spread else []),
        *found.warnings,
    ]
    return "\n".join(lines)


def costs(found: Estimate, price: float, nodes: int) -> tuple[float, float, float]:
    """Return the low, expected and high cost at `price` for a machine and hour."""
    low, expected, high = (
        cost_of(seconds, price, nodes)
        for seconds in (found.seconds_low, found.seconds, found.seconds_high)
    )
    return low, expected, high


def _parts(memory: Memory) -> str:
    values = [(name, size) for name, size in asdict(memory).items() if size]
    return "            " + ", ".join(f"{name} {size / 1e9:.2f}" for name, size in values)


def _price(options: argparse.Namespace, spec: RunSpec) -> float | None:
    """Return the price that was given, or that a policy file has. Raises `BadSpecError`."""
    if options.prices is None:
        given: float | None = options.price
        return given
    try:
        prices = {
            str(name): float(value)
            for name, value in yaml.safe_load(options.prices.read_text("utf-8"))["prices"].items()
        }
    except (OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadSpecError(
            f"The price list {options.prices} cannot be read ({type(error).__name__}).",
            remedy="It is a YAML file with `prices:`, machine and price an hour.",
        ) from error
    found = price_of(prices, spec.compute)
    if found is None:
        raise BadSpecError(
            f"{options.prices} has no price for {spec.compute.sku}.",
            remedy=f"There are: {', '.join(prices) or 'none'}.",
        )
    return found


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
    """Return the shape of a base model that lies here; nothing is fetched for a guess."""
    found = base_at_hand(spec.model, Places.of(os.environ), _say)
    return None if found is None else base_shape(found)


def _say(note: str) -> None:
    sys.stderr.write(note + "\n")
