"""A run as the pipelines API and the build API show it."""

from typing import Any

from tests.azure_twin.devops.answers import lower, stamp
from tests.azure_twin.devops.model import (
    API,
    CANCELLING,
    COMPLETED,
    NOT_STARTED,
    Definition,
    Run,
)
from tests.azure_twin.devops.organisation import project_document
from tests.azure_twin.devops.people import SERVICE
from tests.azure_twin.world import DEVOPS_URL, PROJECT, PROJECT_ID

REPOSITORY_ID = "8f0c9e2d-5b1a-4a67-9a3e-2d7c6b5a4f0c"
REPOSITORY = {
    "id": REPOSITORY_ID,
    "type": "TfsGit",
    "name": PROJECT,
    "url": f"{DEVOPS_URL}/{PROJECT}/_git/{PROJECT}",
    "clean": None,
    "checkoutSubmodules": False,
}
QUEUE = {
    "id": 9,
    "name": "Azure Pipelines",
    "pool": {"id": 9, "name": "Azure Pipelines", "isHosted": True},
}
RUN_STATES = {COMPLETED: "completed", CANCELLING: "canceling"}
RUN_RESULTS = {"partiallySucceeded": "succeeded"}  # this API has no word for issues


def pipeline_document(definition: Definition) -> dict[str, Any]:
    web = f"{DEVOPS_URL}/{PROJECT_ID}/_build/definition?definitionId={definition.id}"
    reference = definition.reference()
    return {
        "_links": {"self": {"href": reference["url"]}, "web": {"href": web}},
        "configuration": {
            "path": definition.file,
            "repository": {"id": REPOSITORY_ID, "type": "azureReposGit"},
            "type": "yaml",
        },
        **reference,
    }


def run_reference(run: Run) -> dict[str, Any]:
    """Return what lists and events say of a run."""
    url = f"{API}/pipelines/{run.definition.id}/runs/{run.id}"
    web = f"{DEVOPS_URL}/{PROJECT_ID}/_build/definition?definitionId={run.definition.id}"
    ended = {}
    if run.is_over:
        result = RUN_RESULTS.get(str(run.result), run.result)
        ended = {"result": result, "finishedDate": stamp(run.finished_at)}
    return {
        "_links": {
            "self": {"href": url},
            "web": {"href": run.web_url()},
            "pipeline.web": {"href": web},
            "pipeline": {"href": run.definition.reference()["url"]},
        },
        "templateParameters": dict(run.parameters),
        "pipeline": run.definition.reference(),
        "state": RUN_STATES.get(run.status, "inProgress"),
        **ended,
        "createdDate": stamp(run.queued_at),
        "url": url,
        "id": run.id,
        "name": run.number,
    }


def run_document(run: Run) -> dict[str, Any]:
    """Return a run with what it uses."""
    variables = {name: {"value": value} for name, value in run.variables.items()}
    source = {
        "repository": {"id": REPOSITORY_ID, "type": "azureReposGit"},
        "refName": run.cause.branch,
        "version": run.cause.commit,
    }
    given = {"variables": variables} if variables else {}
    return {**run_reference(run), **given, "resources": {"repositories": {"self": source}}}


def definition_reference(definition: Definition) -> dict[str, Any]:
    return {
        "drafts": [],
        "id": definition.id,
        "name": definition.name,
        "url": f"{API}/build/Definitions/{definition.id}?revision={definition.revision}",
        "uri": f"vstfs:///Build/Definition/{definition.id}",
        "path": "\\",
        "type": "build",
        "queueStatus": "enabled",
        "revision": definition.revision,
        "project": project_document(),
    }


def build_document(run: Run) -> dict[str, Any]:
    """Return a run as a build."""
    url = f"{API}/build/Builds/{run.id}"
    return {
        "_links": {
            "self": {"href": url},
            "web": {"href": run.web_url()},
            "timeline": {"href": f"{API}/build/builds/{run.id}/Timeline"},
        },
        "properties": {},
        "tags": list(run.tags),
        "validationResults": [],
        "plans": [{"planId": str(run.plan_id)}],
        "id": run.id,
        "buildNumber": run.number,
        "status": run.status,
        **_times(run),
        "url": url,
        "definition": definition_reference(run.definition),
        "project": project_document(),
        "uri": f"vstfs:///Build/Build/{run.id}",
        **_cause(run),
        "priority": "normal",
        "lastChangedDate": stamp(run.changed_at),
        "lastChangedBy": SERVICE.reference(),
        "templateParameters": dict(run.parameters),
        "orchestrationPlan": {"planId": str(run.plan_id)},
        "logs": {"id": 0, "type": "Container", "url": f"{API}/build/builds/{run.id}/logs"},
        "repository": REPOSITORY,
        "queue": QUEUE,
        "retainedByRelease": False,
        "appendCommitMessageToRunName": True,
    }


def _times(run: Run) -> dict[str, Any]:
    """Return when what happened; what has not is left out, as the service does."""
    times: dict[str, Any] = {"queueTime": stamp(run.queued_at)}
    if run.started_at is not None:
        times["startTime"] = stamp(run.started_at)
    if run.is_over:
        times |= {"finishTime": stamp(run.finished_at), "result": run.result}
    if run.status == NOT_STARTED and run.waits_for is not None:
        times["queuePosition"] = 1
    return times


def _cause(run: Run) -> dict[str, Any]:
    return {
        "sourceBranch": run.cause.branch,
        "sourceVersion": run.cause.commit,
        "reason": lower(run.cause.reason),
        "requestedFor": run.cause.requested_for.reference(),
        "requestedBy": run.cause.requested_by.reference(),
        "triggerInfo": {},
        "triggeredByBuild": None,
    }
