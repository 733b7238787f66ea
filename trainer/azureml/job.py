"""What is submitted, as plain values: decided here, sent by `trainer.azureml.submit`."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from azure.ai.ml import Input, Output, PyTorchDistribution, command
from azure.ai.ml.entities import Command, Environment, ManagedIdentityConfiguration

from trainer.contract.azure_job import (
    ARTIFACTS_FOLDER,
    CHECKPOINTS_OUTPUT,
    IMAGE_VARIABLE,
    MODEL_OUTPUT,
    PROGRESS_FOLDER,
    Tag,
    checkpoints_uri,
    model_uri,
)
from trainer.contract.machines import machine
from trainer.contract.names import run_id_of, submission_of
from trainer.contract.spec import RunSpec, canonical_json, spec_hash

EXPERIMENT = "krsp"
ENVIRONMENT = "krsp-trainer"
SCRATCH = "run"  # the attempt's own folder, on the node's disk
# `budget.hours` limits training itself; imports, data, evaluation and export come on top.
TIMEOUT_FACTOR, TIMEOUT_EXTRA_S = 1.25, 3600
SHARED_MEMORY = "8g"  # NCCL and data loaders of several processes need more than Docker's 64 MB


@dataclass(frozen=True)
class JobPlan:
    """A job in full. `inputs` are name -> (asset type, path); equal plans are the same job."""

    name: str
    spec_sha256: str
    code_sha256: str
    image: str
    cluster: str
    nodes: int
    processes: int  # on each node: one a GPU
    command: str
    inputs: dict[str, tuple[str, str]]
    outputs: dict[str, str]
    timeout_s: int | None
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of all that decides what the job does."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Where:
    """The image, by digest, and the cluster that it runs on."""

    image: str
    cluster: str


def plan_job(
    name: str,
    spec: RunSpec,
    where: Where,
    *,
    code_sha256: str,
    inputs: Mapping[str, tuple[str, str]],
) -> JobPlan:
    """Return the job for `spec` under `name`.

    `inputs` are `train`, `mix0`, `mix1`, ..., `eval` and `base`, those that there are.
    """
    node = machine(spec.compute.sku)
    text = base64.urlsafe_b64encode(canonical_json(spec).encode()).decode().rstrip("=")
    return JobPlan(
        name=name,
        spec_sha256=spec_hash(spec),
        code_sha256=code_sha256,
        image=where.image,
        cluster=where.cluster,
        nodes=spec.compute.nodes,
        processes=max(1, node.gpus) if node is not None else 1,
        command=_command(inputs),
        inputs=dict(inputs),
        outputs={MODEL_OUTPUT: model_uri(name), CHECKPOINTS_OUTPUT: checkpoints_uri(name)},
        timeout_s=_timeout_s(spec),
        variables={"KRSP_SPEC": text, "KRSP_RUN_ID": run_id_of(name), "KRSP_JOB_NAME": name},
    )


def _command(inputs: Mapping[str, tuple[str, str]]) -> str:
    """Return the command line; nothing of it was typed by a person."""
    parts = [f"python -m trainer run env:KRSP_SPEC --output {SCRATCH}"]
    parts += [f"--input {name}=${{{{inputs.{name}}}}}" for name in sorted(inputs)]
    parts += [
        f"--keep ${{{{outputs.{CHECKPOINTS_OUTPUT}}}}}",
        f"--model ${{{{outputs.{MODEL_OUTPUT}}}}}",
        f"--logs ./{PROGRESS_FOLDER}",
        f"--artifacts ./{ARTIFACTS_FOLDER}",
    ]
    return " ".join(parts)


def _timeout_s(spec: RunSpec) -> int | None:
    if spec.budget.hours is None:
        return None
    return round(spec.budget.hours * 3600 * TIMEOUT_FACTOR) + TIMEOUT_EXTRA_S


def as_command(plan: JobPlan, spec: RunSpec, code: Path, requester: str) -> Command:
    """Return the plan as azure-ai-ml takes it."""
    version = plan.image.rpartition("@sha256:")[2][:16]
    inputs: dict[str, Any] = {
        name: Input(type=kind, path=path, mode="ro_mount")
        for name, (kind, path) in plan.inputs.items()
    }
    outputs = {
        # Uploaded once the process has ended well: a half model is never seen.
        MODEL_OUTPUT: Output(type="uri_folder", mode="upload", path=plan.outputs[MODEL_OUTPUT]),
        CHECKPOINTS_OUTPUT: Output(
            type="uri_folder", mode="rw_mount", path=plan.outputs[CHECKPOINTS_OUTPUT]
        ),
    }
    return command(
        name=plan.name,
        display_name=spec.name,
        experiment_name=EXPERIMENT,
        tags=tags(plan, spec, requester),
        code=str(code),
        command=plan.command,
        inputs=inputs,
        outputs=outputs,
        environment=Environment(name=ENVIRONMENT, version=version, image=plan.image),
        environment_variables={**plan.variables, IMAGE_VARIABLE: plan.image},
        compute=plan.cluster,
        instance_count=plan.nodes,
        distribution=PyTorchDistribution(process_count_per_instance=plan.processes),
        identity=ManagedIdentityConfiguration(),
        shm_size=SHARED_MEMORY,
        timeout=plan.timeout_s,
    )


def tags(plan: JobPlan, spec: RunSpec, requester: str) -> dict[str, str]:
    """Return what the job is found and checked by."""
    return {
        Tag.RUN_ID.value: run_id_of(plan.name),
        Tag.SUBMISSION.value: str(submission_of(plan.name)),
        Tag.RECIPE.value: spec.recipe,
        Tag.REQUESTER.value: requester,
        Tag.SPEC_SHA256.value: plan.spec_sha256,
        Tag.CODE_SHA256.value: plan.code_sha256,
        Tag.FINGERPRINT.value: plan.fingerprint,
    }
