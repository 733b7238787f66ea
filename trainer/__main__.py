"""`python -m trainer VERB`: check, estimate, run and submit training runs."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

# Each verb is a module with `add_arguments(parser)` and `main(options) -> exit code`.
VERBS = {
    "validate": "check a spec and its data; names every fault",
    "estimate": "say parameters, tokens, memory and time without training",
    "run": "train, judge and write a model",
    "evaluate": "judge a model that is there, beside its base",
    "verify": "say whether a model's files are those that its run has written",
    "reproduce": "run a finished run again and compare, step by step",
    "snapshot": "copy the trainer's code, to run exactly that",
    "submit": "queue a run on a machine",
    "register": "keep a run's model in the registry",
    "deploy": "serve a registered model, or end that",
    "request": "ask the bot for the runs that files describe",
    "recipes": "list the recipes",
}
MODULES = {
    "request": "requesting",
    "validate": "validate",
    "estimate": "estimating",
    "evaluate": "evaluating",
    "recipes": "listing",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = arguments[0] if arguments and arguments[0] in VERBS else None
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    parsers = {name: verbs.add_parser(name, help=text) for name, text in VERBS.items()}
    if verb is None:
        parser.parse_args(arguments)
        return 2
    # Only the verb that is used gets loaded: `validate` takes a fifth of a second, and `run`
    # decides for itself when to load torch.
    module = importlib.import_module(f"trainer.{MODULES.get(verb, verb)}")
    module.add_arguments(parsers[verb])
    code: int = module.main(parser.parse_args(arguments))
    return code


if __name__ == "__main__":
    sys.exit(main())
