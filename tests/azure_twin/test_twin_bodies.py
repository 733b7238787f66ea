"""Microsoft judges the twin: what its SDK sends and what the twin answers fit the ARM schemas.

A twin that is judged by its own author proves that they agree with themselves. These schemas and
the SDK come from Microsoft, so a field that the twin invented or misspelt shows here.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.azure_twin.jobsdk import Workbench
from tests.azure_twin.schemas import SENT_BY_THE_SDK, Judge, judge, kind_of


@pytest.fixture
def recorded(bench: Workbench) -> list[dict[str, Any]]:
    """Return the PUTs of a whole life: data, job, model, endpoint, deployment."""
    bench.twin.control.label("bodies")
    entities, ml, module = bench.module.entities, bench.ml, bench.module
    data = bench.folder / "d.jsonl"
    data.write_text("{}\n", encoding="utf-8")
    name = bench.name("judged")
    ml.data.create_or_update(entities.Data(name=name, version="1", path=str(data), type="uri_file"))
    place = "azureml://datastores/workspaceblobstore/paths/runs/judged/"
    job = bench.submit(
        "import sys, pathlib; pathlib.Path(sys.argv[1], 'w.bin').write_text('x')",
        command="python main.py ${{outputs.model}} ${{inputs.data}} ${{inputs.lr}}",
        inputs={"data": module.Input(type="uri_file", path=f"azureml:{name}:1"), "lr": 0.1},
        outputs={"model": module.Output(type="uri_folder", mode="rw_mount", path=place)},
        distribution=module.PyTorchDistribution(process_count_per_instance=1),
        instance_count=2,
        environment_variables={"A": "1"},
        identity=module.ManagedIdentityConfiguration(),
        timeout=600,
        shm_size="8g",
    )
    bench.finish(job)
    path = f"azureml://jobs/{job}/outputs/model"
    ml.models.create_or_update(
        entities.Model(name=name, version="1", path=path, type="custom_model")
    )
    deploy(ml, entities, name)
    found = bench.twin.requests(label="bodies", method="PUT", host="management.azure.com")
    return [one for one in found if one["status"] < 300]


def deploy(ml: Any, entities: Any, name: str) -> None:
    """Serve the model of this name on an endpoint of this name, and end that again."""
    endpoint = entities.ManagedOnlineEndpoint(name=name, auth_mode="aad_token", tags={"a": "b"})
    ml.online_endpoints.begin_create_or_update(endpoint).result()
    environment = entities.Environment(name=name, version="1", image="cr.example/serve:1")
    deployment = entities.ManagedOnlineDeployment(
        name="blue",
        endpoint_name=name,
        model=f"azureml:{name}:1",
        instance_type="Standard_NC4as_T4_v3",
        instance_count=1,
        environment=environment,
        environment_variables={"A": "1"},
        request_settings=entities.OnlineRequestSettings(request_timeout_ms=60_000),
    )
    ml.online_deployments.begin_create_or_update(deployment).result()
    ml.online_endpoints.begin_delete(name).result()


def test_every_body_and_every_answer_fits_its_schema(
    recorded: list[dict[str, Any]], reference: Path
) -> None:
    faults, kinds = [], set()
    for entry in recorded:
        version, kind = entry["query"]["api-version"], kind_of(entry["path"])
        found = judge(reference / "arm", version)
        if found is None:
            continue
        kinds.add(kind)
        for which in ("body", "answer"):
            said = found.faults(kind, entry[which], is_answer=which == "answer")
            faults += [f"{which} of {kind} ({version}): {one}" for one in said]
    assert not (left := sorted({*faults} - SENT_BY_THE_SDK)), "\n".join(left)
    assert kinds == {
        "codes/versions",
        "data/versions",
        "environments/versions",
        "jobs",
        "models/versions",
        "onlineEndpoints",
        "onlineEndpoints/deployments",
    }


@pytest.fixture
def job_judge(reference: Path) -> Judge:
    found = judge(reference / "arm", "2025-01-01-preview")
    assert found is not None
    return found


JOB: dict[str, Any] = {
    "properties": {
        "jobType": "Command",
        "command": "python main.py",
        "environmentId": "/subscriptions/s/e",
        "distribution": {"distributionType": "PyTorch", "processCountPerInstance": 1},
        "inputs": {"lr": {"jobInputType": "literal", "value": "0.1"}},
        "resources": {"instanceCount": 1},
    }
}


def wrong(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    body = copy.deepcopy(JOB)
    change(body["properties"])
    return body


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda job: job.pop("command"), "command: missing"),
        (lambda job: job.update(comand="x"), "comand: unknown"),
        (lambda job: job.update(jobType="Comand"), "jobType"),
        (lambda job: job["resources"].update(instanceCount="two"), "instanceCount"),
        (lambda job: job["inputs"]["lr"].pop("value"), "value: missing"),
        (lambda job: job["distribution"].update(processes=2), "processes: unknown"),
    ],
)
def test_the_judge_sees_a_wrong_body(
    job_judge: Judge, change: Callable[[dict[str, Any]], Any], fault: str
) -> None:
    assert job_judge.faults("jobs", JOB, is_answer=False) == []
    found = job_judge.faults("jobs", wrong(change), is_answer=False)
    assert any(fault in one for one in found), json.dumps(found)
