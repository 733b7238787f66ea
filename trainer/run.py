"""`python -m trainer run`: train what a spec says, reporting as it goes."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from trainer import hub
from trainer.base import Places, find_base, whole_model
from trainer.context import COMPILE, Context, StopFlag
from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import SpecError
from trainer.contract.progress import Phase, PhaseLine
from trainer.contract.spec import RunSpec, spec_hash
from trainer.data.census import Census
from trainer.data.gather import gather
from trainer.describing import describe_data
from trainer.errors import BadSpecError, TrainerError, failure_of
from trainer.node import INPUT, Node
from trainer.progress import Progress
from trainer.specs import read_spec
from trainer.tracking import is_workspace

log = logging.getLogger(__name__)

# Libraries read these as they are imported. No hub is asked for anything, nothing is reported
# home, and the tokenizer's threads do not warn about forks.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A call to a dead server gives up in seconds, not in a quarter of an hour; the tracker calls
    # again itself.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "DO_NOT_TRACK": "1",
    "TQDM_DISABLE": "1",
    # Spinning threads starve everything else on a shared machine, and themselves: under load a
    # step took ten times as long with the default.
    "OMP_WAIT_POLICY": "PASSIVE",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--output", required=True, type=Path, help="folder for all that is written")
    parser.add_argument("--progress", choices=("text", "json"), default="text")
    parser.add_argument(
        "--every-step", action="store_true", help="a line for each step, however fast they come"
    )
    parser.add_argument("--run-id", help="default: KRSP_RUN_ID, else the output folder's name")
    parser.add_argument("--attempt", type=int, help="default: KRSP_ATTEMPT, else counted in --keep")
    add_outside_arguments(parser)


def add_outside_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders that a job on a cluster is given."""
    group = parser.add_argument_group("on a node of a cluster")
    add_input_argument(group)
    group.add_argument("--keep", type=Path, help="folder that outlives the node, for checkpoints")
    group.add_argument("--model", type=Path, help="folder for the finished model")
    group.add_argument("--logs", type=Path, help="folder for the progress file")
    group.add_argument("--artifacts", type=Path, help="folder for report, model card and samples")


def add_input_argument(parser: argparse._ActionsContainer) -> None:
    """Add where data and base lie, if not where the spec says."""
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        type=_named_path,
        metavar="NAME=PATH",
        help="where `train`, `mix0` (the first of data.mix), `eval` or `base` was put",
    )


def _named_path(text: str) -> tuple[str, Path]:
    name, is_given, path = text.partition("=")
    if not INPUT.fullmatch(name) or not is_given or not path:
        said = "train=PATH, mix0=PATH, mix1=PATH, ..., eval=PATH or base=PATH"
        raise argparse.ArgumentTypeError(f"{text!r} is none of {said}")
    return name, Path(path)


def main(options: argparse.Namespace) -> int:
    """Carry the run out; return the exit code. The progress file always ends in why."""
    env = os.environ
    hub_is_off = hub.is_off(env)  # as a person has it; below it is off for all but `trainer.hub`
    for name, value in QUIET.items():
        env.setdefault(name, value)
    stop = StopFlag()
    stop.listen()
    try:
        node = Node.of(options, env)
    except BadSpecError as error:  # There is no place for a progress file yet.
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return error.exit_code
    if node.seat.ranks == 1:
        # One process trains on one GPU: transformers would copy the model to all it sees.
        env.setdefault("CUDA_VISIBLE_DEVICES", "0")
    progress = node.progress(as_json=options.progress == "json", say=_say)
    try:
        spec = read_spec(options.spec, env)
        context = _context(options, spec, progress, stop, node)
        _run(replace(context, hub_is_off=hub_is_off))
    except Exception as error:  # The process's boundary: every end gets its line.
        failure = failure_of(error)
        if not isinstance(error, TrainerError | SpecError):
            log.exception("the run ended by %s", type(error).__name__)
        progress.fail(failure)
        code = EXIT_CODES[failure.kind]
        if node.is_first and is_workspace(_tracking_uri(env) or ""):
            importlib.import_module("trainer.azureml.tracking").tell_failure(failure, code)
        if node.seat.ranks > 1:
            _end_now(code)
        return code
    return 0


def _end_now(code: int) -> NoReturn:
    """End without the interpreter's own end, which waits for connections to lost processes."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(context: Context) -> None:
    """Read and check the data before the libraries that take seconds to load."""
    spec, inputs = context.spec, context.outside.inputs
    context.progress.write(PhaseLine, phase=Phase.DATA, note=spec.data.in_words)
    census = Census(spec.data.max_length) if context.is_first else None
    gathered = gather(spec, context.workdir, inputs, census)
    describe_data(context, gathered)
    base = None
    if spec.model.source is not None and "base" in inputs:
        base = whole_model(inputs["base"], spec.model.source)
    elif spec.model.source is not None:
        places = Places(context.home, context.workdir, context.cache, context.hub_is_off)
        base = find_base(spec.model, places, lambda note: _note(context, note))
    importlib.import_module("trainer.carrying_out").carry_out(context, gathered, base)


def _note(context: Context, note: str) -> None:
    context.progress.write(PhaseLine, phase=Phase.DATA, note=note)


def _context(
    options: argparse.Namespace,
    spec: RunSpec,
    progress: Progress,
    stop: StopFlag,
    node: Node,
) -> Context:
    env = os.environ
    home = Path(env.get("KRSP_HOME", ".krsp")).absolute()
    output = node.output
    return Context(
        spec=spec,
        spec_sha256=spec_hash(spec),
        output=output,
        home=home,
        # A run from the command line leaves nothing outside its output folder.
        cache=home / "cache" if env.get("KRSP_HOME") else node.shared / "cache",
        workdir=Path(env.get("KRSP_WORKDIR", ".")).absolute(),
        run_id=options.run_id or env.get("KRSP_RUN_ID") or _name(options.output.absolute()),
        attempt=progress.attempt,
        progress=progress,
        tracking_uri=_tracking_uri(env),
        stop=stop,
        every_step=options.every_step,
        outside=node.outside,
        job_attempt=node.job_attempt,
        seat=node.seat,
        shared=node.shared,
        compiles={"on": True, "off": False}.get(env.get(COMPILE, "")),
    )


def _name(output: Path) -> str:
    """Return the run's name when nobody gave one: a job's output lies in the job's folder."""
    return output.parent.name if output.name == "output" else output.name


def _tracking_uri(env: Mapping[str, str]) -> str | None:
    """Return where lineage goes: as the environment says, else beside a home that is named."""
    if env.get("MLFLOW_TRACKING_URI"):
        return env["MLFLOW_TRACKING_URI"]
    if env.get("KRSP_HOME"):
        return f"sqlite:///{Path(env['KRSP_HOME']).absolute()}/mlflow.db"
    return None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
