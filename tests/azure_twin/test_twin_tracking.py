"""Metrics: plain mlflow-skinny writes in the job and reads from outside."""

from typing import Any

import pytest
import requests
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.jobsdk import Workbench

URI = f"https://{world.REGION}.api.azureml.ms/mlflow/v2.0{world.WORKSPACE_PATH}"


@pytest.fixture
def mlflow(azure: RunningTwin, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    token = azure.control.mint(world.COMPUTE_IDENTITY, "https://management.azure.com")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    return MlflowClient(URI)


@pytest.fixture
def run(mlflow: MlflowClient) -> str:
    experiment = mlflow.get_experiment_by_name("Default")
    assert experiment is not None
    return str(mlflow.create_run(experiment.experiment_id).info.run_id)


def test_a_job_s_metrics_are_read_by_its_name(bench: Workbench, mlflow: MlflowClient) -> None:
    script = """
        import os
        from mlflow.tracking import MlflowClient
        uri = os.environ["MLFLOW_TRACKING_URI"].replace("azureml://", "https://")
        client = MlflowClient(uri.replace("/mlflow/v1.0/", "/mlflow/v2.0/"))
        run = os.environ["MLFLOW_RUN_ID"]
        for step in range(3):
            client.log_metric(run, "loss", 1 / (step + 1), step=step)
        client.log_param(run, "lr", 0.1)
        client.set_tag(run, "phase", "training")
    """
    name = bench.submit(script)
    assert bench.finish(name) == "Completed", bench.log(name)
    found = mlflow.get_run(name)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"lr": "0.1"}
    assert found.data.tags["phase"] == "training"
    assert found.data.tags["run"] == name
    assert [one.value for one in mlflow.get_metric_history(name, "loss")] == [1, 1 / 2, 1 / 3]


def test_runs_are_found_by_a_tag(mlflow: MlflowClient, run: str) -> None:
    mlflow.set_tag(run, "krsp.run", "r-17")
    experiment = mlflow.get_run(run).info.experiment_id
    found = mlflow.search_runs([experiment], "tags.`krsp.run` = 'r-17'")
    assert [one.info.run_id for one in found] == [run]


def test_a_history_comes_in_pages(mlflow: MlflowClient, run: str) -> None:
    for begin in range(0, 26_000, 1000):
        mlflow.log_batch(run, [Metric("loss", 1.0, 0, step) for step in range(begin, begin + 1000)])
    assert len(mlflow.get_metric_history(run, "loss")) == 26_000
    assert mlflow.get_run(run).data.metrics == {"loss": 1.0}


def test_the_limits_of_azure_ml_hold(mlflow: MlflowClient, run: str) -> None:
    mlflow.log_batch(run, params=[Param(f"p{one}", "1") for one in range(100)])
    mlflow.log_batch(run, params=[Param(f"q{one}", "1") for one in range(100)])
    with pytest.raises(MlflowException, match="more than 200 parameters"):
        mlflow.log_param(run, "one-more", "1")
    with pytest.raises(MlflowException, match="cannot become '2'"):
        mlflow.log_param(run, "p1", "2")


def test_too_many_calls_are_answered_429(
    azure: RunningTwin, mlflow: MlflowClient, run: str
) -> None:
    azure.control.call("mlflow.limit", calls_per_s=2)
    token = azure.control.mint(world.COMPUTE_IDENTITY, "https://management.azure.com")
    url, headers = f"{URI}/api/2.0/mlflow/runs/get", {"Authorization": f"Bearer {token}"}
    answers = [
        requests.get(url, params={"run_id": run}, headers=headers, timeout=5) for _ in range(4)
    ]
    assert 429 in {one.status_code for one in answers}
    azure.control.call("mlflow.limit", calls_per_s=None)
    mlflow.log_batch(run, tags=[RunTag("a", "b")])


def test_logged_models_are_not_there(azure: RunningTwin) -> None:
    token = azure.control.mint(world.COMPUTE_IDENTITY, "https://management.azure.com")
    url, headers = f"{URI}/api/2.0/mlflow/logged-models", {"Authorization": f"Bearer {token}"}
    assert requests.post(url, json={}, headers=headers, timeout=5).status_code == 404


@pytest.mark.parametrize("audience", ["https://storage.azure.com", "https://graph.microsoft.com"])
def test_a_token_for_something_else_is_refused(
    azure: RunningTwin, run: str, audience: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token: Any = azure.control.mint(world.COMPUTE_IDENTITY, audience)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    with pytest.raises(MlflowException, match="InvalidAuthenticationTokenAudience"):
        MlflowClient(URI).get_run(run)


def test_artifacts_are_listed_by_folder(bench: Workbench, mlflow: MlflowClient) -> None:
    script = "import os; os.makedirs('outputs/eval'); open('outputs/eval/a.json', 'w').write('{}')"
    name = bench.submit(script)
    bench.finish(name)
    token = bench.twin.control.mint(world.BOT_IDENTITY, "https://management.azure.com")
    url, headers = f"{URI}/api/2.0/mlflow/artifacts/list", {"Authorization": f"Bearer {token}"}

    def files(path: str) -> list[tuple[str, bool]]:
        query = {"run_id": name, "path": path}
        body = requests.get(url, params=query, headers=headers, timeout=5).json()
        return [(one["path"], one["is_dir"]) for one in body["files"]]

    assert ("outputs", True) in files("")
    assert files("outputs") == [("outputs/eval", True)]
    assert files("outputs/eval") == [("outputs/eval/a.json", False)]
