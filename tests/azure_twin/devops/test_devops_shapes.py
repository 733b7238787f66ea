"""The twin's Azure DevOps judged by Microsoft's own files, which lie beside the checkout."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.azure_twin.devops import events, locations
from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.sdk import until
from tests.azure_twin.devops.subscriber import listening
from tests.azure_twin.devops.test_devops_access import asked
from tests.azure_twin.devops.test_devops_hooks import wanted
from tests.azure_twin.world import PROJECT

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="needs ../shared/reference")

DEPLOYMENT = """
name: shaped
stages:
  - stage: deploy
    jobs:
      - deployment: deploy
        environment: production
        strategy:
          runOnce:
            deploy:
              steps:
                - checkout: self
                - bash: echo "##vso[task.logissue type=warning]Nearly."
                - publish: azure-pipelines
                  artifact: files
"""
# What the service answers although its published description leaves it out.
UNDESCRIBED = {
    "TimelineRecord": {"refName"},
    "Approval": {"pipeline"},
    "Build": {"triggeredByBuild"},
    "DefinitionReference": {"drafts"},
    "Event": {"subscriptionId", "notificationId"},
    "IdentityRef": {"_links"},
    "PipelineConfiguration": {"path", "repository"},
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Swagger:
    """One description of an API, and whether a value is what it describes."""

    def __init__(self, name: str) -> None:
        path = REFERENCE / "azure-devops" / name
        self._definitions = json.loads(path.read_text("utf-8-sig"))["definitions"]

    def faults(self, value: Any, name: str, at: str = "") -> Iterator[str]:
        """Yield what in `value` the definition `name` does not know."""
        properties = self._properties(name)
        if not properties:
            return
        for key, held in value.items():
            if key in UNDESCRIBED.get(name, ()) or held is None:
                continue
            if key not in properties:
                yield f"{at}{name}.{key} is not described"
            else:
                yield from self._value(held, properties[key], f"{at}{name}.{key} ")

    def _properties(self, name: str) -> dict[str, Any]:
        definition = self._definitions.get(name, {})
        found: dict[str, Any] = {}
        for parent in definition.get("allOf", ()):
            found |= self._properties(parent["$ref"].rpartition("/")[2])
        return found | definition.get("properties", {})

    def _value(self, value: Any, described: Mapping[str, Any], at: str) -> Iterator[str]:
        reference = described.get("$ref", "").rpartition("/")[2]
        if reference == "ReferenceLinks":
            return
        if reference:
            yield from self.faults(value, reference, at)
            return
        kind = described.get("type", "string" if "enum" in described else "object")
        if not isinstance(value, TYPES[kind]):
            yield f"{at}is {value!r}, not {kind}"
        elif described.get("enum") and value not in described["enum"]:
            yield f"{at}is {value!r}, none of {described['enum']}"
        elif kind == "array":
            for each in value:
                yield from self._value(each, described["items"], at)


@pytest.mark.parametrize("location", locations.TABLE, ids=lambda one: one.resource)
def test_each_location_is_that_of_the_service(location: locations.Location) -> None:
    recorded = json.loads(
        (REFERENCE / "azure-devops" / "ado-options-dev.azure.com-2025-01-09.json").read_text()
    )
    real = {entry["id"]: entry for entry in recorded["value"]}
    assert location.document() == real[location.id]


def test_each_resource_area_is_one_of_the_service() -> None:
    recorded = json.loads((REFERENCE / "azure-devops" / "ado-resource-areas.json").read_text())
    real = {area["id"]: area["name"] for area in recorded["value"]}
    assert {area["id"]: area["name"] for area in locations.areas()}.items() <= real.items()


@pytest.fixture
def deployed(lab: Lab) -> int:
    """Return a build that has an approval, a lock, tasks and logs."""
    lab.control("environment", name="production", approvers=["Megan Bowen"], is_exclusive=True)
    run = lab.bot.run(lab.write(DEPLOYMENT))
    until(lambda: lab.bot.approvals.query(state="pending"))
    lab.control("approve", run=run.id, person="Megan Bowen", comment="Yes.")
    lab.bot.ended(run.id)
    return run.id


def test_answers_are_as_described(lab: Lab, deployed: int) -> None:
    build, pipelines = "build/7.1/build.json", "pipelines/7.1/pipelines.json"
    approvals = "approvalsAndChecks/7.1/pipelinesapproval.json"
    cases = [
        (f"build/builds/{deployed}", build, "Build", False),
        ("build/builds", build, "Build", True),
        (f"build/builds/{deployed}/timeline", build, "Timeline", False),
        (f"build/builds/{deployed}/logs", build, "BuildLog", True),
        (f"build/builds/{deployed}/artifacts", build, "BuildArtifact", True),
        ("pipelines", pipelines, "Pipeline", True),
        ("pipelines/11/runs", pipelines, "Run", True),
        (f"pipelines/11/runs/{deployed}", pipelines, "Run", False),
        (f"pipelines/11/runs/{deployed}/logs", pipelines, "LogCollection", False),
        ("pipelines/approvals?$expand=steps", approvals, "Approval", True),
    ]
    for path, file, name, is_list in cases:
        status, _, text = asked(f"Bearer {lab.token()}", f"/{PROJECT}/_apis/{path}", version="7.1")
        assert status == 200, path
        found = json.loads(text)["value"] if is_list else json.loads(text)
        assert found, path
        swagger = Swagger(file)
        values = found if is_list else [found]
        faults = [fault for value in values for fault in swagger.faults(value, name)]
        assert not faults, path


def test_subscriptions_and_notifications_are_as_described(lab: Lab) -> None:
    with listening() as listener:
        made = lab.bot.hooks.create_subscription(wanted(listener))
        lab.bot.ended(lab.bot.run(lab.write("steps:\n  - checkout: none\n  - bash: echo\n")).id)
        until(lambda: len(listener.events) == 2)
        paths = {
            f"/_apis/hooks/subscriptions/{made.id}": "Subscription",
            f"/_apis/hooks/subscriptions/{made.id}/notifications": "Notification",
        }
        for path, name in paths.items():
            found = json.loads(asked(f"Bearer {lab.token()}", path)[2])
            swagger = Swagger("hooks/7.1/serviceHooks.json")
            for value in found.get("value", [found]):
                assert list(swagger.faults(value, name)) == []
        lab.bot.hooks.delete_subscription(made.id)


def differences(sample: Any, ours: Any, at: str) -> Iterator[str]:
    """Yield each key of the sample that we lack, and each value of another type."""
    if sample is None or ours is None:
        return
    if isinstance(sample, dict):
        for key, value in sample.items():
            if key not in ours:
                yield f"{at}.{key} is missing"
            else:
                yield from differences(value, ours[key], f"{at}.{key}")
    elif isinstance(sample, list):
        for each in ours:
            yield from differences(sample[0] if sample else None, each, f"{at}[]")
    elif not isinstance(ours, type(sample)):
        yield f"{at} is {ours!r}, not a {type(sample).__name__}"


SAMPLES = {
    events.RUN: "ado.run-state-changed.json",
    events.STAGE: "ado.stage-state-changed.json",
    events.APPROVAL_PENDING: "ado.approval-pending.json",
    events.APPROVAL_COMPLETED: "ado.approval-completed.json",
}


def test_events_have_all_that_microsofts_samples_have(lab: Lab) -> None:
    lab.control("environment", name="production", approvers=["Megan Bowen"], is_exclusive=True)
    with listening() as listener:
        made = [lab.bot.hooks.create_subscription(wanted(listener, kind)) for kind in SAMPLES]
        run = lab.bot.run(lab.write(DEPLOYMENT))
        until(lambda: events.APPROVAL_PENDING in {e["eventType"] for e in listener.events})
        lab.control("approve", run=run.id, person="Megan Bowen", comment="Yes.")
        until(lambda: run_ended(listener.events))
        until(lambda: {event["eventType"] for event in listener.events} == set(SAMPLES))
        for each in made:
            lab.bot.hooks.delete_subscription(each.id)
    for event in listener.events:
        path = REFERENCE / "events" / SAMPLES[event["eventType"]]
        sample = json.loads(path.read_text("utf-8-sig"))
        missing = set(differences(sample, event, ""))
        assert missing <= not_yet(event)


def not_yet(event: dict[str, Any]) -> set[str]:
    """Return what cannot be in an event: the end of a run that goes on, a comment not given."""
    resource = event["resource"]
    is_over = resource["run"]["state"] == "completed"
    ends = set() if is_over else {".resource.run.result", ".resource.run.finishedDate"}
    steps = resource.get("approval", {}).get("steps", [])
    comments = {".resource.approval.steps[].comment"} if steps else set()
    return {f"{place} is missing" for place in ends | comments}


def run_ended(found: list[dict[str, Any]]) -> bool:
    runs = [e["resource"]["run"] for e in found if e["eventType"] == events.RUN]
    return any(run["state"] == "completed" for run in runs)
