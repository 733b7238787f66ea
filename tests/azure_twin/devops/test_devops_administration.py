"""What the twin's administrator has set, and the repository's own pipelines on it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.devops.v7_1.build.models import Build
from azure.devops.v7_1.pipelines.models import RunPipelineParameters

from bot.domain.ordering import train_parameters
from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.sdk import until
from tests.azure_twin.devops.test_devops_access import asked
from tests.azure_twin.entra.directory import object_id
from tests.azure_twin.world import BOT_IDENTITY, PIPELINES, PROJECT, SERVICE_CONNECTION
from trainer.contract.recipe import find_recipe

USES = """
steps:
  - checkout: none
  - task: AzureCLI@2
    displayName: Signed in
    inputs:
      azureSubscription: krsp-deploy
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: echo in
"""
GIVEN = {
    "train": {"runKey": "run-1", "spec": "e30"},
    "promote": {"runKey": "promo-1", "order": "e30"},
    "ci": {},
    "scheduled": {},
    "deploy": {"registry": "crkrsp"},
}


@pytest.fixture
def closed(lab: Lab) -> Iterator[int]:
    """Return the id of train, whose file uses a connection that is not open to it."""
    yield lab.write(USES)
    lab.control("connection", name="krsp-deploy", pipelines=[PIPELINES["deploy"]])


def test_connections_are_federated_and_open_to_their_pipelines(lab: Lab) -> None:
    clients = lab.bot.connection.clients_v7_1
    endpoints = clients.get_service_endpoint_client()
    [found] = endpoints.get_service_endpoints_by_names(PROJECT, [SERVICE_CONNECTION])
    assert found.authorization.scheme == "WorkloadIdentityFederation"
    assert endpoints.get_service_endpoints_by_names(PROJECT, ["elsewhere"]) == []
    permissions = clients.get_pipeline_permissions_client()
    said = permissions.get_pipeline_permissions_for_resource(PROJECT, "endpoint", found.id)
    assert said.all_pipelines is None
    assert PIPELINES["train"] in {each.id for each in said.pipelines}
    for client in (endpoints, permissions):
        client._client.close()


def test_a_pipeline_waits_until_it_may_use_its_connection(lab: Lab, closed: int) -> None:
    run = lab.bot.run(closed)
    name = "Checkpoint.Authorization"
    until(lambda: name in {record.type for record in lab.bot.records(run.id)})
    assert lab.bot.record(run.id, name, name).state == "inProgress"
    lab.control("connection", name="krsp-deploy", pipelines=None)
    assert lab.bot.ended(run.id).result == "succeeded"
    assert lab.bot.record(run.id, name, name).result == "succeeded"


def test_a_run_that_waits_for_permission_can_be_cancelled(lab: Lab, closed: int) -> None:
    run = lab.bot.run(closed)
    until(lambda: lab.bot.builds.get_build(PROJECT, run.id).status == "inProgress")
    lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, run.id)
    assert lab.bot.ended(run.id).result == "canceled"


def test_parallelism_and_licence_can_be_looked_at(lab: Lab) -> None:
    bearer = f"Bearer {lab.token()}"
    usage = "/_apis/distributedtask/resourceusage?parallelismTag=Private&poolIsHosted=true"
    found = json.loads(asked(bearer, usage, version="7.1-preview.2")[2])
    assert found["resourceLimit"]["totalCount"] == 10
    us = json.loads(asked(bearer, "/_apis/connectionData", version="7.1-preview.1")[2])
    assert us["authenticatedUser"]["id"] == object_id(BOT_IDENTITY)


@pytest.mark.parametrize("name", GIVEN)
def test_the_repositorys_own_pipelines_can_be_queued(lab: Lab, repository: Path, name: str) -> None:
    lab.control("repository", path=str(repository))
    wish = RunPipelineParameters(preview_run=True, template_parameters=GIVEN[name])
    found = lab.bot.pipelines.preview(wish, PROJECT, PIPELINES[name])
    assert found.final_yaml.startswith("stages:")


@pytest.mark.system
def test_the_repositorys_own_train_pipeline_really_runs(lab: Lab, repository: Path) -> None:
    lab.control("repository", path=str(repository))
    run = lab.bot.run(11, train_parameters("run-20260105-abcdef", find_recipe("tiny-sft").spec))
    prepare = until(lambda: ended(lab, run.id, "Prepare"))
    records = lab.bot.records(run.id)
    assert prepare.result == "succeeded", [i.message for r in records for i in r.issues or ()]
    for name in ("Use Python 3.11", "Validate spec and data", "Take a snapshot of the trainer"):
        assert lab.bot.record(run.id, "Task", name).result == "succeeded"
    assert lab.bot.builds.get_build(PROJECT, run.id).tags == ["run-20260105-abcdef"]
    lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, run.id)
    lab.bot.ended(run.id)


def ended(lab: Lab, run_id: int, stage: str) -> object:
    """Return the stage's record once it, or the whole run, is over."""
    record = lab.bot.record(run_id, "Stage", stage)
    return record if record.state == "completed" else None
