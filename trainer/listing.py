"""`python -m trainer recipes`: list the recipes."""

import argparse
import json
import sys

from trainer.contract.recipe import recipes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="whole recipes, one JSON object a line")


def main(options: argparse.Namespace) -> int:
    """Print each recipe; return 0."""
    for recipe in recipes().values():
        if options.json:
            sys.stdout.write(json.dumps(recipe.model_dump(mode="json")) + "\n")
        else:
            sys.stdout.write(f"{recipe.name}: {recipe.title}\n  {recipe.description}\n")
    return 0
