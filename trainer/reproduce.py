"""`python -m trainer reproduce`: run a finished run again from its lineage, and compare."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError

from trainer import hub
from trainer.base import Places, find_base
from trainer.compare import Comparison, compare, outcome
from trainer.context import COMPILE
from trainer.contract.allocator import with_allocator
from trainer.contract.failure import EXIT_CODES
from trainer.contract.faults import SpecError, faults_of
from trainer.contract.job import output_folder
from trainer.contract.spec import RunSpec, canonical_json, spec_hash
from trainer.data.gather import gather
from trainer.errors import BadDataError, BadSpecError, TrainerError, failure_of
from trainer.lineage import LineageFile, changes, lineage, read_lineage
from trainer.orders import home_of
from trainer.run import add_input_argument
from trainer.weights import model_hash

DIFFERS = 3
# On another machine sums round differently, and the difference grows with the steps.
TOLERANCE = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="a run's output folder, or its id")
    parser.add_argument("--output", type=Path, help="keep the second run here")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="of losses, in nats")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    parser.add_argument("--home", type=Path, help="default: KRSP_HOME, else .krsp")
    add_input_argument(parser)


def main(options: argparse.Namespace) -> int:
    """Run again; return 0 if it came out the same, 3 if not, and the second run's code else."""
    try:
        return _reproduce(options)
    except (TrainerError, SpecError) as error:
        failure = failure_of(error)
        sys.stderr.write(f"{failure.message} {failure.remedy}\n")
        return EXIT_CODES[failure.kind]


def _reproduce(options: argparse.Namespace) -> int:
    home = home_of(options)
    output = _output_of(options.run, home)
    known = read_lineage(output / "model")
    _refuse_changed(output, known)
    first, spec = outcome(output), _spec(known)
    inputs = _inputs(options, known, spec, home)
    for difference in differences(known):
        _say(f"Other than then: {difference}.")
    with tempfile.TemporaryDirectory(prefix="krsp-reproduce-") as scratch:
        target = (options.output or Path(scratch)).absolute()
        code = _run(known, spec, target, inputs, home)
        if code:
            _say(f"The second run ended with code {code}; its words stand above.")
            return code
        found = compare(first, outcome(target), tolerance=options.tolerance)
    _tell(found, as_json=options.json)
    return DIFFERS if found.verdict == "differs" else 0


def differences(known: LineageFile) -> list[str]:
    """Return in words what is not as it was: versions and code."""
    now = lineage(run_id="", attempt=1, spec_sha256="", data_sha256="")
    found = [
        f"{name} is {now.versions.get(name, 'missing')}, was {was}"
        for name, was in known.versions.items()
        if now.versions.get(name) != was
    ]
    if known.lock_sha256 not in (None, now.lock_sha256):
        found.append("requirements.lock is another one")
    return found


def _output_of(argument: str, home: Path) -> Path:
    place = Path(argument)
    return (place if place.is_dir() else output_folder(home, argument)).absolute()


def _refuse_changed(output: Path, known: LineageFile) -> None:
    found = changes(output / "model", known)
    if found:
        raise BadSpecError(
            f"The model of {known.run_id} is not the one that was trained: {'; '.join(found)}.",
            remedy="Bring back the run's own files: there is nothing to compare with.",
        )


def _spec(known: LineageFile) -> RunSpec:
    try:
        spec = RunSpec.model_validate(known.spec)
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error
    if spec_hash(spec) != known.spec_sha256:
        raise BadSpecError(
            f"The spec in the lineage of {known.run_id} is not the one that was run.",
            remedy="Bring back the run's own lineage.json.",
        )
    return spec


def _inputs(
    options: argparse.Namespace, known: LineageFile, spec: RunSpec, home: Path
) -> list[str]:
    """Return the arguments that say where data and base lie; both are what they were then."""
    given = dict(options.input)
    found = gather(spec, _workdir(), given)
    if found.identity != known.data_sha256:
        raise BadDataError(
            f"The data has changed since {known.run_id}: its sha256 is {found.identity}, was "
            f"{known.data_sha256}.",
            remedy="Bring back the data of then, or say with --input train=FILE where it lies.",
        )
    if spec.model.source is not None:
        places = Places(home, _workdir(), home / "cache", hub.is_off(os.environ))
        base = given.get("base") or find_base(spec.model, places, _say)
        sha256 = model_hash(base)
        if sha256 != known.base_sha256:
            raise BadSpecError(
                f"The base model {spec.model.source} has changed since {known.run_id}: its sha256 "
                f"is {sha256}, was {known.base_sha256}.",
                remedy="Bring back the model of then, or say with --input base=FOLDER where it is.",
            )
        given["base"] = base
    return [part for name, path in given.items() for part in ("--input", f"{name}={path}")]


def _run(known: LineageFile, spec: RunSpec, target: Path, inputs: Sequence[str], home: Path) -> int:
    """Run the spec in a process like the first one's; return its exit code."""
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise BadSpecError(
            f"The folder {target} is not empty.", remedy="Give a new one: nothing is to go on from."
        )
    path = target / "spec.json"
    path.write_text(canonical_json(spec), "utf-8")
    launch = ["-m", "trainer"]
    if known.world_size > 1:
        torchrun = ("-m", "torch.distributed.run", "--standalone")
        launch = [*torchrun, f"--nproc-per-node={known.world_size}", *launch]
    command = [sys.executable, *launch, "run", str(path), "--output", str(target), "--every-step"]
    env = {key: value for key, value in os.environ.items() if key not in _NOT_OURS}
    # Sums are taken in as many parts as there are threads.
    env |= {"OMP_NUM_THREADS": str(known.hardware.threads), "KRSP_WORKDIR": str(_workdir())}
    env[COMPILE] = "on" if known.compiled else "off"
    done = subprocess.run(
        [*command, *inputs],
        cwd=_code(known, home),
        env=with_allocator(env),
        stdout=sys.stderr,
        check=False,
    )
    return done.returncode


# They say where the first run was recorded and kept; the second one is nobody's run.
_NOT_OURS = ("KRSP_HOME", "KRSP_RUN_ID", "KRSP_ATTEMPT", "MLFLOW_TRACKING_URI")


def _code(known: LineageFile, home: Path) -> Path:
    """Return the first run's own code where its snapshot is kept, else the code that runs now."""
    kept = home / "code" / str(known.code_sha256)
    if kept.is_dir():
        return kept
    here = Path(__file__).parent.parent
    now = lineage(run_id="", attempt=1, spec_sha256="", data_sha256="").code_sha256
    if now != known.code_sha256:
        _say(f"Other than then: the code is {str(now)[:12]}, was {str(known.code_sha256)[:12]}.")
    return here


def _workdir() -> Path:
    return Path(os.environ.get("KRSP_WORKDIR", ".")).absolute()


def _tell(found: Comparison, *, as_json: bool) -> None:
    text = json.dumps(asdict(found)) if as_json else found.in_words
    sys.stdout.write(text + "\n")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
