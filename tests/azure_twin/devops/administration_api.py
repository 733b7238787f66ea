"""What an administrator looks at: service connections, who may use them, parallelism, licences."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.azure_twin.devops import locations
from tests.azure_twin.devops.answers import RefusalError, answer, collection
from tests.azure_twin.devops.calls import Call, Handlers
from tests.azure_twin.devops.model import Connection
from tests.azure_twin.devops.organisation import Organisation, not_found, project_document
from tests.azure_twin.devops.people import Members
from tests.azure_twin.devops.pool import Pool
from tests.azure_twin.world import ORGANISATION, PROJECT, PROJECT_ID, SUBSCRIPTION


@dataclass
class AdministrationApi:
    organisation: Organisation
    pool: Pool

    def handlers(self) -> Handlers:
        return {
            (locations.ENDPOINTS, "GET"): self.endpoints,
            (locations.PERMISSIONS, "GET"): self.permissions,
            (locations.RESOURCE_USAGE, "GET"): self.usage,
        }

    async def endpoints(self, call: Call) -> web.Response:
        known = self.organisation.connections.values()
        if "endpointId" in call.values:
            found = self.organisation.connection(call.values["endpointId"])
            # The service answers null, not 404, for one that is not there.
            return answer(None if found is None else endpoint(found))
        names = {name.lower() for name in call.listed("endpointNames")}
        return collection(
            [endpoint(each) for each in known if not names or each.name.lower() in names]
        )

    async def permissions(self, call: Call) -> web.Response:
        """Return which pipelines may use a service connection."""
        kind, number = call.values["resourceType"], call.values.get("resourceId", "")
        found = self.organisation.connection(number) if kind.lower() == "endpoint" else None
        if found is None:
            raise RefusalError(
                404,
                "Microsoft.Azure.Pipelines.Authorization.WebApi.ResourceNotFoundException",
                f"The resource {number} of type {kind} could not be found.",
            )
        by = self.organisation.members.by_id
        who = next(iter(by.values())).identity.reference()
        stamped = {"authorized": True, "authorizedBy": who, "authorizedOn": "2026-01-05T08:00:00Z"}
        opened = {"allPipelines": stamped} if found.pipelines is None else {}
        return answer(
            {
                "resource": {"type": "endpoint", "id": found.id, "name": found.name},
                **opened,
                "pipelines": [{"id": each, **stamped} for each in sorted(found.pipelines or ())],
            }
        )

    async def usage(self, call: Call) -> web.Response:
        """Return how many hosted jobs may run at once. [guess] This is documented nowhere."""
        limit = {
            "totalCount": self.pool.parallel,
            "parallelismTag": call.query("parallelismTag", "Private"),
            "isHosted": call.query("poolIsHosted", "true").lower() == "true",
        }
        return answer({"resourceLimit": limit, "usedCount": self.pool.busy})


def endpoint(connection: Connection) -> dict[str, Any]:
    """Return a service connection as the service shows it: without anything secret."""
    return {
        "id": connection.id,
        "name": connection.name,
        "type": "azurerm",
        "url": "https://management.azure.com/",
        "description": "",
        "owner": "library",
        "isReady": True,
        "isShared": False,
        "authorization": {
            "scheme": "WorkloadIdentityFederation",
            "parameters": {
                "tenantid": connection.tenant,
                "serviceprincipalid": connection.client_id,
                "workloadIdentityFederationSubject": (
                    f"sc://{ORGANISATION}/{PROJECT}/{connection.name}"
                ),
            },
        },
        "data": {"subscriptionId": SUBSCRIPTION, "scopeLevel": "Subscription"},
        "serviceEndpointProjectReferences": [
            {
                "name": connection.name,
                "description": "",
                "projectReference": {"id": PROJECT_ID, "name": project_document()["name"]},
            }
        ],
    }


def licence(path: str, members: Members) -> web.Response:
    """Answer `vsaex.dev.azure.com/.../serviceprincipalentitlements/{id}`: the access level."""
    parts = path.strip("/").lower().split("/")
    if parts[:-1] != [ORGANISATION, "_apis", "serviceprincipalentitlements"]:
        raise not_found(path)
    member = members.by_id.get(parts[-1])
    if member is None:
        raise not_found(path)
    return answer(
        {
            "id": member.identity.id,
            "servicePrincipal": member.identity.reference(),
            "accessLevel": {
                "licensingSource": "account",
                "accountLicenseType": member.licence,
                "status": "active",
            },
        }
    )
