"""The approvals API, the environments, and the checks that are configured on them."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.azure_twin.devops import locations
from tests.azure_twin.devops.answers import RefusalError, answer, collection
from tests.azure_twin.devops.calls import Call, Handlers, bad_request
from tests.azure_twin.devops.checks import APPROVED, PENDING, REJECTED, Approval, Checks
from tests.azure_twin.devops.model import API, Environment
from tests.azure_twin.devops.organisation import Organisation, project_document
from tests.azure_twin.devops.people import Identity

_KIND = "Microsoft.Azure.Pipelines.Approval.WebApi"
# What an approval check and an exclusive lock are called by the checks API.
APPROVAL_TYPE = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
LOCK_TYPE = {"id": "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563", "name": "ExclusiveLock"}


@dataclass
class ApprovalsApi:
    organisation: Organisation
    checks: Checks

    def handlers(self) -> Handlers:
        return {
            (locations.APPROVALS, "GET"): self.approvals,
            (locations.APPROVALS, "PATCH"): self.update,
            (locations.ENVIRONMENTS, "GET"): self.environments,
            (locations.CHECKS, "GET"): self.configurations,
        }

    async def approvals(self, call: Call) -> web.Response:
        if "approvalId" in call.values:
            return answer(_shown(call, self._approval(call.values["approvalId"])))
        ids, state = call.listed("approvalIds"), call.query("state").lower()
        assigned = {each.lower() for each in call.listed("userIds")}
        found = [
            approval
            for approval in self.checks.approvals.values()
            if (not ids or approval.id in ids)
            and state in {"", "all", approval.status.lower()}
            and (not assigned or assigned & {step.approver.id for step in approval.steps})
        ]
        return collection([_shown(call, approval) for approval in found[: call.number("top", 100)]])

    async def update(self, call: Call) -> web.Response:
        """Approve or reject, all or nothing: each update is looked at before any is done."""
        if not isinstance(call.body, list) or not call.body:
            raise bad_request("Value cannot be null.\r\nParameter name: updateParameters")
        identity = call.member.identity
        updates = [(self._approval(str(each.get("approvalId"))), each) for each in call.body]
        for approval, each in updates:
            check_decision(approval, identity, str(each.get("status", "")))
        for approval, each in updates:
            comment = str(each.get("comment") or "")
            self.checks.decide(approval, identity, str(each["status"]).lower(), comment)
        return collection([_shown(call, approval) for approval, _ in updates])

    async def environments(self, call: Call) -> web.Response:
        found = [_environment(each) for each in self.organisation.environments.values()]
        if "environmentId" in call.values:
            wanted = call.values["environmentId"]
            one = next((each for each in found if str(each["id"]) == wanted), None)
            if one is None:
                raise RefusalError(
                    404,
                    "Microsoft.TeamFoundation.DistributedTask.WebApi.EnvironmentNotFoundException",
                    f"Environment with ID {wanted} does not exist or is not accessible.",
                )
            return answer(one)
        name = call.query("name").lower()
        return collection([each for each in found if not name or each["name"].lower() == name])

    async def configurations(self, call: Call) -> web.Response:
        """Return the checks on one environment, as an administrator has set them."""
        found = [
            document
            for environment in self.organisation.environments.values()
            if call.query("resourceType") == "environment"
            and call.query("resourceId") == str(environment.id)
            for document in _configurations(environment)
        ]
        return collection(found)

    def _approval(self, approval_id: str) -> Approval:
        found = self.checks.approvals.get(approval_id)
        if found is None:
            raise RefusalError(
                404,
                f"{_KIND}.ApprovalNotFoundException",
                f"Approval with ID {approval_id} does not exist.",
            )
        return found


def check_decision(approval: Approval, who: Identity, status: str) -> None:
    """Raise RefusalError unless `who` may decide so now."""
    if status.lower() not in {APPROVED, REJECTED}:
        raise bad_request(f"The twin only approves and rejects; {status!r} is neither.")
    if approval.status != PENDING:
        raise RefusalError(
            400,
            f"{_KIND}.ApprovalAlreadyCompletedException",
            f"Approval with ID {approval.id} is already in a completed state.",
        )
    is_own = approval.run.cause.requested_for.id == who.id
    may_own = approval.environment.requester_may_approve or not is_own
    if not may_own or who.id not in {step.approver.id for step in approval.steps}:
        raise RefusalError(
            403,
            f"{_KIND}.ApprovalUnauthorizedException",
            f"The user {who.id} is not authorized to update the approval {approval.id}.",
        )


def _shown(call: Call, approval: Approval) -> dict[str, Any]:
    """Return the approval; its steps only when they are asked for."""
    document = approval.document()
    if "steps" not in call.query("$expand").lower() and call.request.method == "GET":
        document["steps"] = []
    return document


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "id": environment.id,
        "name": environment.name,
        "description": "",
        "createdOn": "2026-01-05T08:00:00.0000000Z",
        "lastModifiedOn": "2026-01-05T08:00:00.0000000Z",
        "project": project_document(),
    }


def _configurations(environment: Environment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    resource = {"type": "environment", "id": str(environment.id), "name": environment.name}
    if environment.approvers:
        settings = {
            "approvers": [each.reference() for each in environment.approvers],
            "executionOrder": "anyOrder",
            "minRequiredApprovers": environment.minimum,
            "instructions": environment.instructions,
            "requesterCannotBeApprover": not environment.requester_may_approve,
            "blockedApprovers": [],
        }
        found.append({"settings": settings, "type": APPROVAL_TYPE})
    if environment.is_exclusive:
        found.append({"type": LOCK_TYPE})
    return [
        {
            "id": environment.id * 10 + number,
            "timeout": 43200,
            "resource": resource,
            "url": f"{API}/pipelines/checks/configurations/{environment.id * 10 + number}",
            **each,
        }
        for number, each in enumerate(found, start=1)
    ]
