"""What verbs of a pipeline share: reading the order, speaking, and ending with words."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import Fault, SpecError
from trainer.contract.promotion import PromotionOrder, decode_order
from trainer.errors import TrainerError, failure_of


def add_order_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what both verbs take."""
    parser.add_argument("order", help="base64url of the order's JSON, or env:NAME")
    parser.add_argument("--target", required=True, choices=("local", "azureml"))
    parser.add_argument("--home", type=Path, help="default: KRSP_HOME, else .krsp")


def home_of(options: argparse.Namespace) -> Path:
    """Return where local jobs, models and endpoints live."""
    return (options.home or Path(os.environ.get("KRSP_HOME", ".krsp"))).absolute()


def read_order(argument: str, env: Mapping[str, str]) -> PromotionOrder:
    """Return the order that the argument names. Raises `SpecError`."""
    if not argument.startswith("env:"):
        return decode_order(argument)
    name = argument.removeprefix("env:")
    if not env.get(name):
        raise SpecError([Fault("", f"The environment variable {name} is empty or not set.")])
    return decode_order(env[name])


def say(text: str) -> None:
    """Tell whoever reads the pipeline's log, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def carried_out(work: Callable[[], None]) -> int:
    """Do the work; return the exit code, with the reason on stderr where it is not 0."""
    try:
        work()
    except TrainerError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return error.exit_code
    except (SpecError, OSError) as error:
        failure = failure_of(error)
        detail = f" ({error})" if isinstance(error, OSError) else ""
        sys.stderr.write(f"{failure.message}{detail} {failure.remedy}\n")
        return EXIT_CODES[failure.kind]
    return 0
