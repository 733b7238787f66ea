"""What an Azure ML job of ours is marked with, and where it leaves what others read."""

from enum import StrEnum

from trainer.contract.names import run_id_of


class Tag(StrEnum):
    """Tags of the job, which are tags of its MLflow run too."""

    RUN_ID = "krsp.run_id"
    SUBMISSION = "krsp.submission"
    RECIPE = "krsp.recipe"
    REQUESTER = "krsp.requester"
    SPEC_SHA256 = "krsp.spec_sha256"
    CODE_SHA256 = "krsp.code_sha256"
    FINGERPRINT = "krsp.fingerprint"  # of all that is submitted: equal means the same job
    ATTEMPT = "krsp.attempt"  # of this job: the node it runs on may be taken away
    FAILURE = "krsp.failure"  # a `Failure` as JSON, for whoever cannot read the files
    EXIT_CODE = "krsp.exit_code"
    DATA_SHA256 = "krsp.sha256"  # of a data asset's one file; the asset carries it


# Azure ML streams `./logs` and `./outputs` of a job to the workspace while it runs, and its own
# `user_logs`. Each attempt writes a file of its own: what becomes of the earlier one's is up to
# the service.
PROGRESS_FOLDER = "logs"
PROGRESS_PREFIX = "logs/progress"
LOG_PREFIX = "user_logs/std_log"
ARTIFACTS_FOLDER = "outputs"

# The container's image by digest: nothing inside it knows that otherwise.
IMAGE_VARIABLE = "KRSP_IMAGE"

MODEL_OUTPUT = "model"
CHECKPOINTS_OUTPUT = "checkpoints"
DATASTORE = "workspaceblobstore"


def progress_file(attempt: int) -> str:
    """Return the name below `logs` of an attempt's progress; the names sort by attempt."""
    return f"progress-{attempt:03d}.jsonl"


def artifact_prefix(name: str) -> str:
    """Return where the artifacts of a job lie in the workspace's artifact store."""
    return f"ExperimentRun/dcid.{name}/"


def model_uri(name: str) -> str:
    """Return where a job's finished model goes."""
    return f"azureml://datastores/{DATASTORE}/paths/krsp/{run_id_of(name)}/{name}/model"


def checkpoints_uri(name: str) -> str:
    """Return where a run's checkpoints lie: the same for each of its submissions."""
    return f"azureml://datastores/{DATASTORE}/paths/krsp/{run_id_of(name)}/checkpoints"
