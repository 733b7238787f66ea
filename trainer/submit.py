"""`python -m trainer submit`: queue a run on a machine, exactly once for each run id."""

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trainer.checkpoint import write_whole
from trainer.contract.job import JobRequest, job_folder, output_folder
from trainer.contract.machines import machine
from trainer.contract.names import RUN_ID, run_id_of
from trainer.contract.spec import RunSpec, canonical_json, spec_hash
from trainer.errors import BadSpecError
from trainer.orders import carried_out, home_of, say
from trainer.snapshot import code_hash
from trainer.specs import read_spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", help="a .yaml or .json file, - for standard input, or env:NAME")
    parser.add_argument("--target", required=True, choices=("local", "azureml"))
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--code", required=True, type=Path, help="what `snapshot` has written")
    parser.add_argument("--code-sha256", help="refuse any other code")
    parser.add_argument("--home", type=Path, help="default: KRSP_HOME, else .krsp")


def main(options: argparse.Namespace) -> int:
    """Queue the run and print `{run_id, submitted, job}`; return the exit code."""

    def work() -> None:
        spec = read_spec(options.spec, os.environ)
        code_sha256 = _checked_code(options.code, options.code_sha256)
        answer = _TARGETS[options.target](spec, options, code_sha256)
        say(json.dumps(answer))

    return carried_out(work)


def _to_here(spec: RunSpec, options: argparse.Namespace, code_sha256: str) -> dict[str, Any]:
    home = home_of(options)
    new = submit(spec, options.run_id, options.code, code_sha256=code_sha256, home=home)
    job = job_folder(home, options.run_id) / "job.json"
    return {"run_id": options.run_id, "submitted": new, "job": str(job)}


def _to_azureml(spec: RunSpec, options: argparse.Namespace, code_sha256: str) -> dict[str, Any]:
    # Azure's SDKs take two seconds to load, and are not installed where only --target local is.
    submitter = importlib.import_module("trainer.azureml.submit").Submitter.of(os.environ)
    done = submitter.submit(spec, options.run_id, options.code, code_sha256=code_sha256)
    return {"run_id": run_id_of(done.name), "submitted": done.is_new, "job": done.url or done.name}


_TARGETS = {"local": _to_here, "azureml": _to_azureml}


def submit(spec: RunSpec, run_id: str, code: Path, *, code_sha256: str, home: Path) -> bool:
    """Write the job; return False when this run with this spec was submitted before.

    `job.json` appears last and whole: whoever runs jobs may start it the moment it is there.
    Raises `BadSpecError` for a run id that is taken by another spec.
    """
    if not RUN_ID.match(run_id):
        raise BadSpecError(
            f"{run_id!r} is not a run id.", remedy="Use small letters, digits and `-` (up to 64)."
        )
    folder = job_folder(home, run_id)
    sha256 = spec_hash(spec)
    known = _known(folder / "job.json")
    if known is not None:
        if known.spec_sha256 != sha256:
            raise BadSpecError(
                f"The run {run_id} was submitted with another spec ({known.spec_sha256[:12]}).",
                remedy="Give the changed run an id of its own.",
            )
        return False
    snapshot = _keep_code(code, home / "code" / code_sha256)
    folder.mkdir(parents=True, exist_ok=True)
    node = machine(spec.compute.sku)
    write_whole(folder / "spec.json", canonical_json(spec))
    request = JobRequest(
        run_id=run_id,
        command=_command(home, run_id),
        cwd=str(snapshot),
        env=_environment(home, run_id),
        submitted_at=time.time(),
        sku=spec.compute.sku,
        gpus=node.gpus * spec.compute.nodes if node else 0,
        spec_sha256=sha256,
        code_sha256=code_sha256,
    )
    write_whole(folder / "job.json", request.model_dump_json(indent=1))
    return True


def _checked_code(code: Path, expected: str | None) -> str:
    if not (code / "trainer" / "__main__.py").is_file():
        raise BadSpecError(
            f"The folder {code} holds no snapshot of the trainer.",
            remedy="Take one first: python -m trainer snapshot --output DIR.",
        )
    found = code_hash(code)
    if expected is not None and found != expected:
        raise BadSpecError(
            f"The code in {code} has changed: its sha256 is {found}, expected {expected}.",
            remedy="Take the snapshot again, or submit the one that was checked.",
        )
    return found


def _known(path: Path) -> JobRequest | None:
    if not path.exists():
        return None
    try:
        return JobRequest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadSpecError(
            f"{path} is not a job of ours.", remedy="Move it away, then submit again."
        ) from error


def _keep_code(code: Path, target: Path) -> Path:
    """Copy the snapshot to its place by hash, once; a copy cut short is never taken for whole."""
    if target.is_dir():
        return target
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copytree(code, beside, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        beside.rename(target)
    except OSError:
        if not target.is_dir():  # Another submit was faster; its copy has the same hash.
            raise
        shutil.rmtree(beside)
    return target


def _command(home: Path, run_id: str) -> tuple[str, ...]:
    spec = job_folder(home, run_id) / "spec.json"
    output = output_folder(home, run_id)
    return (sys.executable, "-m", "trainer", "run", str(spec), "--output", str(output))


def _environment(home: Path, run_id: str) -> dict[str, str]:
    return {
        "KRSP_HOME": str(home),
        "KRSP_RUN_ID": run_id,
        "KRSP_WORKDIR": os.environ.get("KRSP_WORKDIR", str(Path.cwd())),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
        "TOKENIZERS_PARALLELISM": "true",
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(len(os.sched_getaffinity(0))),
        "PYTHONUNBUFFERED": "1",
    }
