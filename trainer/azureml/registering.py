"""Models of jobs as versions in the workspace's registry: one for each run, never another's."""

from collections.abc import Mapping

from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model
from azure.ai.ml.exceptions import MlException
from azure.core.exceptions import AzureError, ResourceNotFoundError

from trainer.azureml.errors import RefusedError, explained
from trainer.azureml.serving_place import connected
from trainer.contract.azure_job import MODEL_OUTPUT
from trainer.contract.model_tags import CANDIDATE, HASH, JOB, PRODUCTION, STAGE
from trainer.contract.promotion import PromotionOrder

NONE = "archived"


class Registry:
    """Registers models; the version is the run's id, so asking again finds it."""

    def __init__(self, client: MLClient) -> None:
        self._models = client.models

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Registry":
        """Return the one that the environment describes."""
        return cls(connected(env)[2])

    def register(self, order: PromotionOrder) -> tuple[str, bool]:
        """Return the version, and whether this call made it.

        Raises `RefusedError` where the version belongs to another job or model.
        """
        try:
            known = self.find(order.model, order.run_id)
            if known is not None:
                _check(known, order)
                return order.run_id, False
            self._models.create_or_update(
                Model(
                    name=order.model,
                    version=order.run_id,
                    path=f"azureml://jobs/{order.job}/outputs/{MODEL_OUTPUT}",
                    type="custom_model",
                    description=f"Trained by {order.run_id}.",
                    tags={**order.lineage, STAGE: CANDIDATE},
                    properties={JOB: order.job, HASH: order.model_sha256},
                )
            )
        except (AzureError, MlException) as error:
            raise told(error, "registering the model") from error
        return order.run_id, True

    def find(self, model: str, version: str) -> Model | None:
        """Return the version of a model, if it is there."""
        try:
            found: Model = self._models.get(model, version)
        except ResourceNotFoundError:
            return None
        return found

    def put_into_production(self, order: PromotionOrder) -> None:
        """Note that the ordered version is the one that serves, and that the others do not."""
        try:
            for version in self._models.list(order.model):
                is_it = str(version.version) == order.run_id
                if not is_it and (version.tags or {}).get(STAGE) != PRODUCTION:
                    continue
                self._stage(order.model, str(version.version), PRODUCTION if is_it else NONE)
        except (AzureError, MlException) as error:
            raise told(error, "noting the model's stage") from error

    def take_out_of_production(self, order: PromotionOrder) -> None:
        """Note that the ordered version serves no longer."""
        try:
            known = self.find(order.model, order.run_id)
            if known is not None and (known.tags or {}).get(STAGE) == PRODUCTION:
                self._stage(order.model, order.run_id, NONE)
        except (AzureError, MlException) as error:
            raise told(error, "noting the model's stage") from error

    def _stage(self, model: str, version: str, stage: str) -> None:
        found = self._models.get(model, version)
        if (found.tags or {}).get(STAGE) != stage:
            found.tags = {**(found.tags or {}), STAGE: stage}
            self._models.create_or_update(found)


def told(error: Exception, doing: str) -> Exception:
    """Return a library's error as one of ours."""
    if isinstance(error, AzureError):
        return explained(error, doing)
    return RefusedError(
        f"Azure ML's SDK refused what was asked while {doing}: {error}",
        remedy="Check the run, and that its job has an output `model`.",
    )


def _check(known: Model, order: PromotionOrder) -> None:
    found = known.properties or {}
    is_same_job = found.get(JOB) == order.job
    is_same_model = "" in (found.get(HASH, ""), order.model_sha256) or (
        found.get(HASH) == order.model_sha256
    )
    if not is_same_job or not is_same_model:
        raise RefusedError(
            f"The registry has {order.model} version {order.run_id} already, and it is of "
            f"{found.get(JOB, 'another job')} (sha256 {found.get(HASH, '')[:12] or 'unknown'}).",
            remedy="Promote it under another name: `promote <run> as <name>`.",
        )
