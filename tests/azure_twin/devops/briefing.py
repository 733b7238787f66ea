"""What an agent is told of its run: variables, secrets, connections, and where it may ask."""

from typing import Any

from tests.azure_twin.devops.model import API, Cause, Definition, Run
from tests.azure_twin.devops.organisation import Organisation
from tests.azure_twin.devops.validation import Order
from tests.azure_twin.world import DEVOPS_URL, ORGANISATION_ID, PROJECT, PROJECT_ID


def known_variables(
    organisation: Organisation, definition: Definition, cause: Cause, order: Order
) -> dict[str, str]:
    """Return what is known of a run before it has a number; `${{ variables }}` may name these."""
    branch = cause.branch.rpartition("/")[2] or cause.branch
    groups = organisation.groups.values()
    plain = {
        name: value
        for group in groups
        for name, value in group.variables.items()
        if name not in group.secrets
    }
    return {
        "Build.DefinitionName": definition.name,
        "Build.DefinitionVersion": str(definition.revision),
        "Build.QueuedBy": cause.requested_by.name,
        "Build.QueuedById": cause.requested_by.id,
        "Build.Reason": cause.reason,
        "Build.Repository.Name": PROJECT,
        "Build.Repository.Provider": "TfsGit",
        "Build.Repository.Uri": f"{DEVOPS_URL}/{PROJECT}/_git/{PROJECT}",
        "Build.RequestedFor": cause.requested_for.name,
        "Build.RequestedForEmail": cause.requested_for.unique_name,
        "Build.RequestedForId": cause.requested_for.id,
        "Build.SourceBranch": cause.branch,
        "Build.SourceBranchName": branch,
        "Build.SourceVersion": cause.commit,
        "System.CollectionId": ORGANISATION_ID,
        "System.CollectionUri": f"{DEVOPS_URL}/",
        "System.DefinitionId": str(definition.id),
        "System.HostType": "build",
        "System.TeamFoundationCollectionUri": f"{DEVOPS_URL}/",
        "System.TeamProject": PROJECT,
        "System.TeamProjectId": PROJECT_ID,
        **plain,
        **definition.variables,
        **order.variables,
    }


def agent_request(organisation: Organisation, run: Run, mark: str) -> dict[str, Any]:
    """Return everything that an agent needs for the newest attempt of `run`."""
    plans = f"{API}/distributedtask/hubs/build/plans/{run.plan_id}"
    return {
        "number": run.number,
        "repository": str(organisation.repository),
        "pipeline": run.definition.file,
        "parameters": dict(run.parameters),
        "groups": sorted(organisation.groups),
        "requested_for": run.cause.requested_for.name,
        "commit": run.cause.commit,
        "branch": run.cause.branch,
        "variables": _variables(organisation, run),
        "jobs": {
            f"{stage.name}.{job.name}": job_id(run, stage.name, job.name)
            for stage in run.plan.stages
            for job in stage.jobs
        },
        "oidc": f"{plans}/jobs/{{job}}/oidctoken",
        "connections": _connections(organisation),
        "earlier": run.attempt.earlier,
        "records": {
            stage["name"]: stage
            for stage in run.attempt.document["stages"]
            if stage["name"] in run.attempt.earlier
        },
        "tags": list(run.tags),
        "mark": mark,
    }


def _variables(organisation: Organisation, run: Run) -> list[dict[str, Any]]:
    """Return every variable of the run, the secret ones marked."""
    order = Order(run.parameters, run.variables)
    known = known_variables(organisation, run.definition, run.cause, order)
    known |= {
        "Build.BuildId": str(run.id),
        "Build.BuildUri": f"vstfs:///Build/Build/{run.id}",
        "System.PlanId": str(run.plan_id),
        "System.StageAttempt": str(run.attempt.number),
        "System.JobAttempt": str(run.attempt.number),
    }
    variables = [{"name": name, "value": value} for name, value in known.items()]
    variables += [
        {"name": name, "value": group.variables[name], "secret": True}
        for group in organisation.groups.values()
        for name in sorted(group.secrets)
    ]
    variables.append({"name": "System.AccessToken", "value": run.token, "secret": True})
    return variables


def job_id(run: Run, stage: str, job: str) -> str:
    """Return `System.JobId` of the newest attempt: the id of the job's record."""
    return run.record_id("job", stage, job, str(run.attempt.number))


def _connections(organisation: Organisation) -> dict[str, dict[str, str]]:
    found = organisation.connections.values()
    by_name = {connection.name: connection.environment() for connection in found}
    return by_name | {connection.id: connection.environment() for connection in found}
