"""Azure DevOps as the twin plays it: one organisation with one project, behind dev.azure.com."""

from pathlib import Path
from typing import Any

from aiohttp import web

from tests.azure_twin.context import TwinContext
from tests.azure_twin.devops import locations
from tests.azure_twin.devops.administration_api import AdministrationApi, licence
from tests.azure_twin.devops.answers import RefusalError, answer, collection
from tests.azure_twin.devops.approvals_api import ApprovalsApi
from tests.azure_twin.devops.builds_api import BuildsApi
from tests.azure_twin.devops.calls import Call, Handler, Handlers, bad_request
from tests.azure_twin.devops.checks import Approval, Checks
from tests.azure_twin.devops.commands import Commands
from tests.azure_twin.devops.events import approval_event
from tests.azure_twin.devops.hooks import Hooks
from tests.azure_twin.devops.hooks_api import HooksApi
from tests.azure_twin.devops.locations import Location
from tests.azure_twin.devops.oidc_api import OidcApi
from tests.azure_twin.devops.organisation import (
    check_organisation,
    check_project,
    make_organisation,
    not_found,
    project_document,
)
from tests.azure_twin.devops.people import SignInError, caller
from tests.azure_twin.devops.pipelines_api import PipelinesApi
from tests.azure_twin.devops.runs import Runs
from tests.azure_twin.devops.scheduler import Scheduler
from tests.azure_twin.devops.throttle import Throttle
from tests.azure_twin.devops.versions import check_version
from tests.azure_twin.world import ORGANISATION_ID

HOST, LICENCES = "dev.azure.com", "vsaex.dev.azure.com"


class DevOps:
    """The service; `handle` answers requests to dev.azure.com and its older names."""

    def __init__(self, twin: TwinContext, repository: Path | None = None) -> None:
        self._twin = twin
        organisation = self.organisation = make_organisation(twin)
        if repository is not None:
            organisation.repository = repository
        now = organisation.now
        self.hooks = Hooks(twin.http, now)
        checks = Checks(organisation.environments, organisation.connections, now, self._tell)
        self.runs = Runs(organisation, checks, self.hooks.publish)
        self._throttle = Throttle(now)
        self._handlers: Handlers = {
            (locations.RESOURCE_AREAS, "GET"): _areas,
            (locations.CONNECTION_DATA, "GET"): _connection,
            (locations.PROJECTS, "GET"): _projects,
            **PipelinesApi(organisation, self.runs).handlers(),
            **BuildsApi(organisation, self.runs).handlers(),
            **ApprovalsApi(organisation, checks).handlers(),
            **HooksApi(self.hooks).handlers(),
            **OidcApi(organisation).handlers(),
            **AdministrationApi(organisation, self.runs.pool).handlers(),
        }
        scheduler = Scheduler(organisation, self.runs)
        Commands(organisation, self.runs, self.hooks, scheduler, self._throttle).register()

    async def start(self) -> None:
        """Make room for the runs."""
        self.organisation.folder.mkdir(parents=True, exist_ok=True)

    async def close(self) -> None:
        """End all agents and deliveries."""
        await self.runs.close()
        await self.hooks.close()

    async def handle(self, request: web.Request, host: str) -> web.StreamResponse:
        """Answer one request."""
        try:
            return await self._answer(request, host)
        except (RefusalError, SignInError) as refused:
            return refused.answer()

    def _tell(self, what: str, approval: Approval) -> None:
        self.hooks.publish(approval_event(what, approval, self.organisation.now()))

    async def _answer(self, request: web.Request, host: str) -> web.StreamResponse:
        if host == LICENCES:
            caller(request, self._twin.tokens, self.organisation.members)
            return licence(request.path, self.organisation.members)
        if host != HOST:
            raise not_found(f"//{host}{request.path}")
        organisation, _, path = request.path.lstrip("/").partition("/")
        if organisation == "_apis" and request.method == "OPTIONS":
            return collection([])  # what stands above all organisations: nothing that we serve
        check_organisation(organisation)
        if request.method == "OPTIONS" and path.strip("/").lower() == "_apis":
            return collection([location.document() for location in locations.TABLE])
        member = caller(request, self._twin.tokens, self.organisation.members)
        headers = await self._throttle.admit(member.identity.id)
        location, values, handler = self._route(request, f"/{path}")
        call = Call(request, location, values, member, await _body(request))
        found = await handler(call)
        found.headers.update(headers)
        return found

    def _route(self, request: web.Request, path: str) -> tuple[Location, dict[str, str], Handler]:
        found = locations.find(path)
        if found is None:
            raise not_found(request.path)
        location, values = found
        request["action"] = f"{location.area}/{location.resource}/{request.method}".lower()
        if "project" in values:
            check_project(values["project"])
        handler = self._handlers.get((location, request.method))
        if handler is None:
            raise RefusalError(
                405,
                "Microsoft.VisualStudio.Services.WebApi.VssUnsupportedMethodException",
                f"The requested resource does not support http method '{request.method}'.",
            )
        check_version(request, location)
        return location, values, handler


async def _body(request: web.Request) -> Any:
    if not await request.read():
        return None
    try:
        return await request.json()
    except ValueError as error:
        raise bad_request(f"The body is not valid JSON: {error}") from error


async def _areas(call: Call) -> web.Response:
    if "areaId" not in call.values:
        return collection(locations.areas())
    wanted = call.values["areaId"].lower()
    found = next((area for area in locations.areas() if area["id"] == wanted), None)
    if found is None:
        raise RefusalError(
            404,
            "Microsoft.VisualStudio.Services.Location.ServiceDefinitionDoesNotExistException",
            f"Service definition does not exist: {wanted}.",
        )
    return answer(found)


async def _connection(call: Call) -> web.Response:
    identity = call.member.identity
    user = {
        "id": identity.id,
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{identity.id}",
        "providerDisplayName": identity.name,
        "isActive": True,
    }
    return answer(
        {
            "authenticatedUser": user,
            "authorizedUser": user,
            "instanceId": ORGANISATION_ID,
            "deploymentType": "hosted",
        }
    )


async def _projects(call: Call) -> web.Response:
    if "projectId" in call.values:
        check_project(call.values["projectId"])
        return answer(project_document())
    return collection([project_document()])
