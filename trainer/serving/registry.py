"""The local registry of models: MLflow's, on the SQLite file of KRSP_HOME."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from trainer.contract.job import output_folder
from trainer.contract.model_tags import CANDIDATE, HASH, PRODUCTION, RUN
from trainer.contract.promotion import PromotionOrder, model_folder
from trainer.errors import BadSpecError
from trainer.serving.errors import PromotionError
from trainer.weights import keep_model, model_hash

# What of the training run's tags is lineage of its model (trainer/mlflow_store.py writes them).
_OF_RUN = ("krsp.data_sha256", "krsp.commit", "krsp.code_sha256", "krsp.code_dirty", "krsp.version")


@dataclass(frozen=True)
class Registered:
    """A version of a model; `is_new` is false when it was registered before."""

    model: str
    version: str
    folder: Path
    is_new: bool


class LocalRegistry:
    """Registers models below `home`; a run has one version of a model, however often one asks."""

    def __init__(self, home: Path) -> None:
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each migrated table
        uri = f"sqlite:///{home}/mlflow.db"
        self._home, self._client = home, MlflowClient(tracking_uri=uri, registry_uri=uri)

    def register(self, order: PromotionOrder) -> Registered:
        """Keep the run's model and register it as a candidate. Raises `TrainerError`."""
        source = output_folder(self._home, order.job) / "model"
        target = model_folder(self._home, order.model, order.run_id)
        sha256 = _checked(target if target.is_dir() else source, order)
        keep_model(source, target)
        known = self.version_of(order.model, order.run_id)
        if known is not None:
            if known.tags.get(HASH) != sha256:
                raise PromotionError(
                    f"Version {known.version} of {order.model} is registered for {order.run_id} "
                    f"with other files (sha256 {known.tags.get(HASH, 'unknown')[:12]}).",
                    remedy="Promote it under another name: `promote <run> as <name>`.",
                )
            return Registered(order.model, str(known.version), target, is_new=False)
        version = self._create(order, target, sha256)
        return Registered(order.model, version, target, is_new=True)

    def _create(self, order: PromotionOrder, folder: Path, sha256: str) -> str:
        try:
            self._client.create_registered_model(order.model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        mlflow_run = self._mlflow_run(order)
        tags = {**self._tags(mlflow_run), **order.lineage, RUN: order.run_id, HASH: sha256}
        made = self._client.create_model_version(
            order.model, folder.as_uri(), run_id=mlflow_run, tags=tags
        )
        self._client.set_registered_model_alias(order.model, CANDIDATE, made.version)
        return str(made.version)

    def version_of(self, model: str, run_id: str) -> ModelVersion | None:
        """Return the version that a run has of a model."""
        found = self._client.search_model_versions(f"name = '{model}'")
        mine = [each for each in found if each.tags.get(RUN) == run_id]
        if not mine:
            return None
        first = min(mine, key=lambda each: int(each.version))
        # Asked for by itself: in what a search finds, MLflow's own store leaves the aliases out.
        return self._client.get_model_version(model, first.version)

    def put_into_production(self, model: str, run_id: str) -> None:
        """Note that the run's version is the one that serves."""
        version = self.version_of(model, run_id)
        if version is None:
            return
        self._client.set_registered_model_alias(model, PRODUCTION, version.version)
        if CANDIDATE in version.aliases:
            self._client.delete_registered_model_alias(model, CANDIDATE)

    def take_out_of_production(self, model: str, run_id: str) -> None:
        """Note that the run's version serves no longer; another's stays as it is."""
        version = self.version_of(model, run_id)
        if version is not None and PRODUCTION in version.aliases:
            self._client.delete_registered_model_alias(model, PRODUCTION)

    def _mlflow_run(self, order: PromotionOrder) -> str | None:
        """Return MLflow's own id of the training run; None where it was not tracked."""
        report = output_folder(self._home, order.job) / "report.json"
        if not report.is_file():
            return None
        found: str | None = json.loads(report.read_text("utf-8")).get("mlflow_run_id")
        return found

    def _tags(self, mlflow_run: str | None) -> Mapping[str, str]:
        if mlflow_run is None:
            return {}
        try:
            tags: dict[str, str] = self._client.get_run(mlflow_run).data.tags
        except MlflowException:  # the run was deleted there; the order's lineage stays
            return {}
        return {key: value for key, value in tags.items() if key.startswith(_OF_RUN)}


def _checked(folder: Path, order: PromotionOrder) -> str:
    if not (folder / "config.json").is_file():
        raise BadSpecError(
            f"The run {order.run_id} has no model: {folder} holds no config.json.",
            remedy="Promote a run that has succeeded.",
        )
    found = model_hash(folder)
    if order.model_sha256 not in ("", found):
        raise PromotionError(
            f"The model of {order.run_id} has changed since it was trained: its sha256 is "
            f"{found[:12]}, expected {order.model_sha256[:12]}.",
            remedy="Train it again, and promote that run.",
        )
    return found
