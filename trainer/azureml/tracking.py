"""Record a job in the workspace's MLflow, whose run the job itself is.

Plain mlflow-skinny over REST: azureml-mlflow pins packages that conflict with ours. The job's name
is the run's id, the service keeps its status, and what is large goes to the job's own folders.
Models are not logged: the workspace answers 404 to MLflow 3's `logged-models`
(github.com/Azure/azure-sdk-for-python/issues/44896).
"""

import logging
import os
from collections.abc import Mapping, MutableMapping

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag
from typing_extensions import override

from trainer.azureml.credential import credential_of
from trainer.contract.azure_job import Tag
from trainer.contract.failure import Failure
from trainer.contract.spec import RunSpec
from trainer.lineage import Lineage
from trainer.mlflow_store import lineage_tags, parameters
from trainer.tracking import End, Point, Store

log = logging.getLogger(__name__)

SCOPE = "https://management.azure.com/.default"
LONGEST_TAG = 5000  # characters that MLflow takes


class JobStore(Store):
    """The run that this job is. Not for several threads: the token travels in the environment."""

    def __init__(
        self,
        client: MlflowClient,
        run_id: str,
        token: "FreshToken",
        origin: tuple[RunSpec, Lineage, int] | None = None,
    ) -> None:
        self._client, self._id, self._token, self._origin = client, run_id, token, origin

    @classmethod
    def of(
        cls,
        env: MutableMapping[str, str],
        origin: tuple[RunSpec, Lineage, int] | None = None,
    ) -> "JobStore":
        """Return the store of the job that the node's environment describes.

        `origin` is what it trains, whence, and the number of the job's attempt.
        """
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        client = MlflowClient(tracking_uri(env["MLFLOW_TRACKING_URI"]))
        return cls(client, run_name(env), FreshToken(env, credential_of(env)), origin)

    @override
    def begin(self) -> str:
        assert self._origin is not None
        spec, lineage, attempt = self._origin
        self._token.renew()
        tags = [*lineage_tags(lineage), RunTag(Tag.ATTEMPT.value, str(attempt))]
        # Of an attempt before this one there may be a failure, which is over now.
        tags.append(RunTag(Tag.FAILURE.value, ""))
        self._client.log_batch(self._id, params=parameters(spec), tags=tags)
        return self._id

    @override
    def points(self, window: list[Point]) -> None:
        self._token.renew()
        metrics = [Metric(p.name, p.value, p.at_ms, p.step) for p in window]
        self._client.log_batch(self._id, metrics=metrics)

    @override
    def end(self, status: End) -> None:
        """Leave the run's status alone: the service sets it when the process has ended."""

    def fail(self, failure: Failure, exit_code: int) -> None:
        """Say why the job is about to fail."""
        self._token.renew()
        said = failure.model_dump_json()[:LONGEST_TAG]
        tags = [RunTag(Tag.FAILURE.value, said), RunTag(Tag.EXIT_CODE.value, str(exit_code))]
        self._client.log_batch(self._id, tags=tags)


class FreshToken:
    """Keeps `MLFLOW_TRACKING_TOKEN` good; MLflow reads it anew for each request.

    The node's own identity renews it. Where it has none the token that the job was started with
    is all there is.
    """

    def __init__(self, env: MutableMapping[str, str], credential: TokenCredential) -> None:
        self._env, self._credential = env, credential

    def renew(self) -> None:
        """Put a token into the environment that is good for some minutes at least."""
        try:
            self._env["MLFLOW_TRACKING_TOKEN"] = self._credential.get_token(SCOPE).token
        except ClientAuthenticationError as error:
            if not self._env.get("MLFLOW_TRACKING_TOKEN"):
                raise
            log.info("the node's identity gives no token: %s", type(error).__name__)


def tracking_uri(given: str) -> str:
    """Return the workspace's tracking address as plain MLflow takes it, without its query."""
    address = given.partition("?")[0].replace("azureml://", "https://", 1)
    return address.replace("/mlflow/v1.0/", "/mlflow/v2.0/", 1)


def run_name(env: Mapping[str, str]) -> str:
    """Return the MLflow run of this job: its name, as the service or else `submit` says it."""
    return env.get("MLFLOW_RUN_ID") or env.get("AZUREML_RUN_ID") or env["KRSP_JOB_NAME"]


def tell_failure(failure: Failure, exit_code: int) -> None:
    """Leave the failure as tags of the job. Whatever goes wrong here, the log has it as well."""
    try:
        JobStore.of(os.environ).fail(failure, exit_code)
    except Exception as error:  # noqa: BLE001  # tracking is a guest: it must not hide the failure
        log.warning("the failure is not recorded in MLflow: %s", str(error).split("\n", 1)[0])
