"""`python -m trainer evaluate`: judge a model that is there, as a run judges the one it trains."""

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

from trainer import hub
from trainer.checkpoint import write_whole
from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import SpecError
from trainer.contract.progress import ResultLine
from trainer.errors import failure_of
from trainer.orders import home_of
from trainer.progress import Progress
from trainer.run import QUIET, add_input_argument
from trainer.verify import REPORT

METHODS = ("sft", "pretrain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a run's id, its output folder, or a model's folder")
    parser.add_argument("--data", help="rows to judge by; default: those its run has held out")
    parser.add_argument("--method", choices=METHODS, help="what rows to read: talks, or plain text")
    parser.add_argument("--max-rows", type=int, default=200, help="of --data, chosen by their hash")
    parser.add_argument("--tasks", nargs="*", help="as in eval.tasks; default: those of its run")
    parser.add_argument("--prompts", nargs="*", help="to answer; default: those of its run")
    parser.add_argument(
        "--base",
        help="compare with this model, as in model.source; of the hub hf:OWNER/NAME@COMMIT",
    )
    parser.add_argument(
        "--compare-base", action="store_true", help="compare with the base that its run names"
    )
    parser.add_argument("--output", type=Path, help="keep progress.jsonl and report.json here")
    parser.add_argument("--json", action="store_true", help="the report alone, as one JSON object")
    parser.add_argument("--home", type=Path, help="default: KRSP_HOME, else .krsp")
    add_input_argument(parser)


def main(options: argparse.Namespace) -> int:
    """Judge; return 0, or what a run exits with where something is wrong."""
    options.hub_is_off = hub.is_off(os.environ)  # as a person has it
    for name, value in QUIET.items():  # before the libraries are loaded, which read them
        os.environ.setdefault(name, value)
    stream = sys.stderr if options.json else sys.stdout

    def say(text: str) -> None:
        stream.write(text + "\n")

    with tempfile.TemporaryDirectory(prefix="krsp-evaluate-") as scratch:
        output = (options.output or Path(scratch)).absolute()
        progress = Progress(output, attempt=1, say=say)
        try:
            judged = importlib.import_module("trainer.evaluation").evaluate
            result: ResultLine = judged(options, home_of(options), progress)
        except Exception as error:  # the process's boundary: every end gets its words
            failure = failure_of(error)
            if failure.kind.value == "bug" and not isinstance(error, SpecError):
                raise
            progress.fail(failure)
            return EXIT_CODES[failure.kind]
        write_whole(output / REPORT, result.model_dump_json(indent=1))
    if options.json:
        sys.stdout.write(result.model_dump_json() + "\n")
    return 0
