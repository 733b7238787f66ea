"""Keep a run in MLflow: found again by our run id, with its spec, lineage and metrics."""

import logging
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from typing_extensions import override

from trainer.contract.recipe import flatten
from trainer.contract.spec import RunSpec, canonical_json
from trainer.lineage import Lineage
from trainer.tracking import End, Point, Store

EXPERIMENT = "krsp"
RUN_TAG = "krsp.run_id"
# Azure ML takes 200 parameters a run; fifty keep the page readable, and the spec is an artifact.
PARAMETERS = 50


class MlflowStore(Store):
    """One run of one experiment. Not for several threads."""

    def __init__(self, uri: str, spec: RunSpec, lineage: Lineage) -> None:
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # It tells of each migrated table.
        self._client = MlflowClient(uri)
        self._uri, self._spec, self._lineage = uri, spec, lineage
        self._id = ""

    @override
    def begin(self) -> str:
        experiment = self._experiment()
        found = self._client.search_runs(
            [experiment], f"tags.`{RUN_TAG}` = '{self._lineage.run_id}'", max_results=1
        )
        if found:
            self._id = found[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
        else:
            tags = {RUN_TAG: self._lineage.run_id}
            run = self._client.create_run(experiment, tags=tags, run_name=self._lineage.run_id)
            self._id = run.info.run_id
            self._client.log_batch(self._id, params=parameters(self._spec))
            self._client.log_text(self._id, canonical_json(self._spec), "spec.json")
        self._client.log_batch(self._id, tags=lineage_tags(self._lineage))
        return self._id

    @override
    def points(self, window: list[Point]) -> None:
        metrics = [Metric(p.name, p.value, p.at_ms, p.step) for p in window]
        self._client.log_batch(self._id, metrics=metrics)

    @override
    def end(self, status: End) -> None:
        self._client.set_terminated(self._id, status)

    def _experiment(self) -> str:
        known = self._client.get_experiment_by_name(EXPERIMENT)
        if known is not None:
            return str(known.experiment_id)
        location = None
        if self._uri.startswith("sqlite:///"):
            folder = Path(self._uri.removeprefix("sqlite:///")).parent / "mlartifacts"
            location = folder.absolute().as_uri()
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=location))


def parameters(spec: RunSpec) -> list[Param]:
    """Return what the spec sets, as MLflow parameters."""
    set_values = {key: value for key, value in flatten(spec).items() if value not in (None, [])}
    return [Param(key, str(value)[:500]) for key, value in list(set_values.items())[:PARAMETERS]]


def lineage_tags(lineage: Lineage) -> list[RunTag]:
    """Return where the run comes from, as tags."""
    values = {
        "krsp.attempt": lineage.attempt,
        "krsp.spec_sha256": lineage.spec_sha256,
        "krsp.data_sha256": lineage.data_sha256,
        "krsp.commit": lineage.commit,
        "krsp.code_sha256": lineage.code_sha256,
        "krsp.code_dirty": lineage.dirty,
        **{f"krsp.version.{name}": version for name, version in lineage.versions.items()},
    }
    return [RunTag(key, str(value)) for key, value in values.items() if value is not None]
