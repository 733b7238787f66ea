"""Tokens for workload identity federation: what a job exchanges at Entra for one of Azure's."""

from dataclasses import dataclass

from aiohttp import web

from tests.azure_twin.devops import locations
from tests.azure_twin.devops.answers import RefusalError, answer
from tests.azure_twin.devops.briefing import job_id
from tests.azure_twin.devops.calls import Call, Handlers
from tests.azure_twin.devops.model import Run
from tests.azure_twin.devops.organisation import Organisation, check_project
from tests.azure_twin.world import EXCHANGE_AUDIENCE, ORGANISATION, PROJECT

_KIND = "Microsoft.TeamFoundation.DistributedTask.WebApi"


@dataclass
class OidcApi:
    organisation: Organisation

    def handlers(self) -> Handlers:
        return {(locations.OIDC_TOKEN, "POST"): self.token}

    async def token(self, call: Call) -> web.Response:
        """Give a token for the service connection; only the job's own access token may ask."""
        check_project(call.values["scopeIdentifier"])
        run = self._run(call)
        self._check_caller(call, run)
        connection = self.organisation.connection(call.query("serviceConnectionId"))
        if connection is None:
            raise RefusalError(
                404,
                "Microsoft.VisualStudio.Services.ServiceEndpoints.WebApi.ServiceEndpointException",
                f"The service connection {call.query('serviceConnectionId')} was not found.",
            )
        subject = f"sc://{ORGANISATION}/{PROJECT}/{connection.name}"
        token = self.organisation.twin.tokens.mint_pipeline(subject, audience=EXCHANGE_AUDIENCE)
        return answer({"oidcToken": token})

    def _run(self, call: Call) -> Run:
        plan, job = call.values["planId"].lower(), call.values["jobId"].lower()
        for run in self.organisation.runs.values():
            jobs = {job_id(run, s.name, j.name) for s in run.plan.stages for j in s.jobs}
            if str(run.plan_id) == plan and job in jobs:
                return run
        raise RefusalError(
            404,
            f"{_KIND}.TaskOrchestrationPlanNotFoundException",
            f"No plan found for identifier {plan} with the job {job}.",
        )

    def _check_caller(self, call: Call, run: Run) -> None:
        claims = call.request["claims"].raw
        if claims.get("run") != run.id or run.is_over:
            raise RefusalError(
                403,
                f"{_KIND}.AccessDeniedException",
                f"{call.member.identity.name} may not ask for a token of the plan {run.plan_id}.",
            )
