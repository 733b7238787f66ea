"""What a job reads: versioned data assets whose content is the one that was approved."""

from collections.abc import Mapping
from dataclasses import dataclass

from azure.ai.ml import MLClient
from azure.ai.ml.entities import Data, Job
from azure.core.exceptions import ResourceNotFoundError

from trainer.azureml.errors import RefusedError
from trainer.contract.azure_job import MODEL_OUTPUT, Tag
from trainer.contract.data import DataSource
from trainer.contract.hub import HUB
from trainer.contract.names import job_name
from trainer.contract.spec import RunSpec
from trainer.hub import refuse_unpinned

SCHEME = "azureml:"
FILE, FOLDER = "uri_file", "uri_folder"
MOST_SUBMISSIONS = 9


@dataclass(frozen=True)
class AssetName:
    """A data asset of the workspace, `azureml:<name>:<version>`."""

    name: str
    version: str


def inputs_of(client: MLClient, spec: RunSpec) -> Mapping[str, tuple[str, str]]:
    """Return the job's inputs as name -> (asset type, path), every hash compared.

    Raises `RefusedError` for what a job in Azure cannot read.
    """
    found = {}
    for name, source in spec.data.sources.items():
        if not source.uri.startswith("builtin:"):
            found[name] = _data(client, source)
    base = _base(client, spec)
    if base is not None:
        found["base"] = (FOLDER, base)
    if spec.model.tokenizer is not None:
        raise RefusedError(
            f"The tokenizer {spec.model.tokenizer} is a folder on a machine of yours.",
            remedy="Leave model.tokenizer empty: the base model's is used, or one is trained.",
        )
    return found


def asset_name(uri: str) -> AssetName:
    """Return name and version. Raises `RefusedError` for anything else, an open version too."""
    name, _, version = uri.removeprefix(SCHEME).partition(":")
    if not uri.startswith(SCHEME):
        raise RefusedError(
            f"A job in Azure cannot read {uri}.",
            remedy="Register the file as a data asset and name it azureml:<name>:<version>.",
        )
    if not name or not version or "/" in uri:
        raise RefusedError(
            f"{uri} is no data asset with its version.", remedy="Write azureml:<name>:<version>."
        )
    return AssetName(name, version)


def _data(client: MLClient, source: DataSource) -> tuple[str, str]:
    asset = asset_name(source.uri)
    try:
        data = client.data.get(name=asset.name, version=asset.version)
    except ResourceNotFoundError as error:
        raise RefusedError(
            f"The workspace has no data asset {source.uri}.",
            remedy="Register it, or name one that is there.",
        ) from error
    if data.type not in {FILE, FOLDER}:
        raise RefusedError(
            f"{source.uri} is of type {data.type}; a run reads one file.",
            remedy="Register the file itself, as uri_file.",
        )
    _compare(source, data)
    return str(data.type), f"{SCHEME}{asset.name}:{asset.version}"


def _compare(source: DataSource, data: Data) -> None:
    marked = {**(data.properties or {}), **(data.tags or {})}.get(Tag.DATA_SHA256.value)
    if source.sha256 is None:
        raise RefusedError(
            f"The spec does not pin the content of {source.uri}.",
            remedy="Set the data's sha256; runs asked for in chat have it.",
        )
    if marked != source.sha256:
        what = "has no tag krsp.sha256" if marked is None else f"has sha256 {marked}"
        raise RefusedError(
            f"{source.uri} is not the data that was approved: the asset {what}, and the spec says "
            f"{source.sha256}.",
            remedy="Make a new run with the asset as it is now.",
        )


def _base(client: MLClient, spec: RunSpec) -> str | None:
    """Return the path of the base model, where it is that of an earlier run."""
    source = spec.model.source
    if source is None or source.startswith("pypi:"):  # fetched by the job itself, as from the hub
        return None
    if source.startswith(HUB):
        refuse_unpinned(spec.model)
        return None
    if source.startswith("run:"):
        return _model_of(client, source.removeprefix("run:"))
    raise RefusedError(
        f"A job in Azure cannot build on {source}.",
        remedy="Name the run whose model is meant: run:<run id>.",
    )


def _model_of(client: MLClient, run_id: str) -> str:
    """Return where the model of a run lies: of its newest submission that ended well."""
    path = None
    for number in range(1, MOST_SUBMISSIONS):
        job = known_job(client, job_name(run_id, number))
        if job is None:
            break
        outputs = getattr(job, "outputs", None) or {}
        if job.status == "Completed" and MODEL_OUTPUT in outputs:
            path = str(outputs[MODEL_OUTPUT].path)
    if path is None:
        raise RefusedError(
            f"There is no model of run {run_id} in this workspace.",
            remedy="Name a run that has succeeded here.",
        )
    return path


def known_job(client: MLClient, name: str) -> Job | None:
    """Return the job of that name, or None if the workspace has none."""
    try:
        found: Job = client.jobs.get(name)
    except ResourceNotFoundError:
        return None
    return found
