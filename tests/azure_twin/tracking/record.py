"""What was logged for one MLflow run, and the limits of Azure ML on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.azure_twin.jobs.life import experiment_id
from tests.azure_twin.jobs.record import Job

# Of Azure ML's documentation ("Service limits"), 2026.
PARAMETERS_PER_RUN = 200
METRIC_NAMES_PER_RUN = 200
METRIC_VALUES_PER_RUN = 1_000_000
TAG_LENGTH = 5000
PARAMETER_LENGTH = 500
STATUSES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
WAITING = {"NotStarted", "Starting", "Provisioning", "Preparing", "Queued"}


class MLflowError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Record:
    info: dict[str, Any]
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        newest = [
            max(values, key=lambda one: (one["step"], one["timestamp"], one["value"]))
            for values in self.history.values()
        ]
        data = {"metrics": newest, "params": _pairs(self.parameters), "tags": _pairs(self.tags)}
        return {"info": self.info, "data": data, "inputs": {}}

    def add_metric(self, metric: dict[str, Any]) -> None:
        key = metric["key"]
        if key not in self.history and len(self.history) >= METRIC_NAMES_PER_RUN:
            raise too_much(f"more than {METRIC_NAMES_PER_RUN} metrics in a run")
        if sum(map(len, self.history.values())) >= METRIC_VALUES_PER_RUN:
            raise too_much(f"more than {METRIC_VALUES_PER_RUN} metric values in a run")
        self.history.setdefault(key, []).append(metric)

    def add_parameters(self, given: list[Mapping[str, Any]]) -> None:
        for one in given:
            key, value = one["key"], str(one["value"])
            held = self.parameters.get(key)
            if held is not None and held != value:
                raise MLflowError(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    f"The parameter {key!r} is {held!r} already and cannot become {value!r}.",
                )
            if len(value) > PARAMETER_LENGTH:
                raise too_much(f"a parameter of {len(value)} characters")
            if held is None and len(self.parameters) >= PARAMETERS_PER_RUN:
                raise too_much(f"more than {PARAMETERS_PER_RUN} parameters in a run")
            self.parameters[key] = value

    def tag(self, given: list[Mapping[str, Any]]) -> None:
        for one in given:
            value = str(one["value"])
            if len(value) > TAG_LENGTH:
                raise too_much(f"a tag of {len(value)} characters")
            self.tags[one["key"]] = value

    def follow(self, job: Job) -> None:
        """Take over what the job knows better."""
        usual = "SCHEDULED" if job.status in WAITING else "RUNNING"
        self.info["status"] = STATUSES.get(job.status, usual)
        self.info["experiment_id"] = experiment_id(job.experiment)
        self.info["run_name"] = job.value("displayName") or job.name
        for key, value in (job.value("tags") or {}).items():
            self.tags.setdefault(key, str(value))


def new_info(run: str, experiment: str, name: str) -> dict[str, Any]:
    return {
        "run_id": run,
        "run_uuid": run,
        "experiment_id": experiment,
        "run_name": name,
        "user_id": "",
        "status": "RUNNING",
        "start_time": 0,
        "end_time": None,
        "lifecycle_stage": "active",
        "artifact_uri": f"azureml://artifacts/ExperimentRun/dcid.{run}",
    }


def metric(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": given["key"],
        "value": float(given["value"]),
        "timestamp": int(given.get("timestamp") or 0),
        "step": int(given.get("step") or 0),
    }


def too_much(what: str) -> MLflowError:
    return MLflowError(400, "INVALID_PARAMETER_VALUE", f"Azure ML does not take {what}.")


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
