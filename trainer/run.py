"""`python -m trainer run`: train what a spec says, reporting as it goes."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from trainer.base import find_base
from trainer.context import Context, StopFlag
from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import SpecError
from trainer.contract.progress import Phase, PhaseLine
from trainer.contract.spec import RunSpec, spec_hash
from trainer.data.gather import gather
from trainer.errors import TrainerError, failure_of
from trainer.progress import Progress
from trainer.specs import read_spec

log = logging.getLogger(__name__)

# Libraries read these as they are imported. No hub is asked for anything, nothing is reported
# home, and the tokenizer's threads do not warn about forks.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    # Spinning threads starve everything else on a shared machine, and themselves: under load a
    # step took ten times as long with the default.
    "OMP_WAIT_POLICY": "PASSIVE",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--output", required=True, type=Path, help="folder for all that is written")
    parser.add_argument("--progress", choices=("text", "json"), default="text")
    parser.add_argument("--run-id", help="default: KRSP_RUN_ID, else the output folder's name")
    parser.add_argument("--attempt", type=int, help="default: KRSP_ATTEMPT, else 1")


def main(options: argparse.Namespace) -> int:
    """Carry the run out; return the exit code. The progress file always ends in why."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    env = os.environ
    stop = StopFlag()
    stop.listen()
    attempt = options.attempt or int(env.get("KRSP_ATTEMPT", "1"))
    progress = Progress(
        options.output, attempt=attempt, say=_say, as_json=options.progress == "json"
    )
    try:
        spec = read_spec(options.spec, env)
        _run(_context(options, spec, progress, stop, env))
    except Exception as error:  # The process's boundary: every end gets its line.
        failure = failure_of(error)
        if not isinstance(error, TrainerError | SpecError):
            log.exception("the run ended by %s", type(error).__name__)
        progress.fail(failure)
        return EXIT_CODES[failure.kind]
    return 0


def _run(context: Context) -> None:
    """Read and check the data before the libraries that take seconds to load."""
    spec = context.spec
    context.progress.write(PhaseLine, phase=Phase.DATA, note=spec.data.train.uri)
    gathered = gather(spec, context.workdir)
    base = None
    if spec.model.source is not None:
        base = find_base(
            spec.model.source,
            home=context.home,
            workdir=context.workdir,
            cache=context.cache,
            say=lambda note: _note(context, note),
        )
    importlib.import_module("trainer.attempt").carry_out(context, gathered, base)


def _note(context: Context, note: str) -> None:
    context.progress.write(PhaseLine, phase=Phase.DATA, note=note)


def _context(
    options: argparse.Namespace,
    spec: RunSpec,
    progress: Progress,
    stop: StopFlag,
    env: Mapping[str, str],
) -> Context:
    home = Path(env.get("KRSP_HOME", ".krsp")).absolute()
    output = options.output.absolute()
    return Context(
        spec=spec,
        spec_sha256=spec_hash(spec),
        output=output,
        home=home,
        # A run from the command line leaves nothing outside its output folder.
        cache=home / "cache" if env.get("KRSP_HOME") else output / "cache",
        workdir=Path(env.get("KRSP_WORKDIR", ".")).absolute(),
        run_id=options.run_id or env.get("KRSP_RUN_ID") or _name(output),
        attempt=progress.attempt,
        progress=progress,
        tracking_uri=_tracking_uri(env),
        stop=stop,
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
