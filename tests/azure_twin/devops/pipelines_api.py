"""The pipelines API: pipelines, runs, a preview, and the logs of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.azure_twin.devops import locations
from tests.azure_twin.devops.answers import RefusalError, answer, collection, stamp
from tests.azure_twin.devops.calls import Call, Handlers, bad_request
from tests.azure_twin.devops.commits import commit_of
from tests.azure_twin.devops.documents import pipeline_document, run_document, run_reference
from tests.azure_twin.devops.logs import line_count
from tests.azure_twin.devops.model import API, Cause, Definition, Run
from tests.azure_twin.devops.organisation import Organisation
from tests.azure_twin.devops.people import QUEUE, VIEW, demand
from tests.azure_twin.devops.runs import Runs
from tests.azure_twin.devops.validation import Order, invalid, planned

MOST_RUNS = 10_000
MAIN = "refs/heads/main"


@dataclass
class PipelinesApi:
    organisation: Organisation
    runs: Runs

    def handlers(self) -> Handlers:
        return {
            (locations.PIPELINES, "GET"): self.pipelines,
            (locations.RUNS, "GET"): self.get_runs,
            (locations.RUNS, "POST"): self.run,
            (locations.PREVIEW, "POST"): self.preview,
            (locations.RUN_LOGS, "GET"): self.logs,
        }

    async def pipelines(self, call: Call) -> web.Response:
        if "pipelineId" in call.values:
            return answer(pipeline_document(self._definition(call, VIEW)))
        visible = [one for one in self.organisation.definitions.values()
                   if call.member.may(VIEW, one.id)]  # fmt: skip
        found = sorted(visible, key=lambda one: one.name)[: call.number("$top", MOST_RUNS)]
        return collection([pipeline_document(one) for one in found])

    async def get_runs(self, call: Call) -> web.Response:
        definition = self._definition(call, VIEW)
        if "runId" in call.values:
            return answer(run_document(self._run(call)))
        found = [r for r in self.organisation.newest_first() if r.definition is definition]
        return collection([run_reference(run) for run in found[:MOST_RUNS]])

    async def run(self, call: Call) -> web.Response:
        """Queue a run, or with `previewRun` only say what would run."""
        definition = self._definition(call, QUEUE)
        body = call.mapping()
        order, branch = read_order(body), read_branch(body)
        if body.get("previewRun"):
            return await self.preview(call)
        identity = call.member.identity
        commit = await commit_of(self.organisation.repository)
        cause = Cause("Manual", identity, identity, branch, commit)
        return answer(run_document(self.runs.queue(definition, order, cause)))

    async def preview(self, call: Call) -> web.Response:
        """Check an order without queueing it; the service would also print the final YAML."""
        definition = self._definition(call, QUEUE)
        order = read_order(call.mapping())
        found = planned(self.organisation, definition, order)
        names = "\n".join(f"- stage: {stage.name}" for stage in found.stages)
        return answer({"finalYaml": f"stages:\n{names}\n"})

    async def logs(self, call: Call) -> web.Response:
        self._definition(call, VIEW)
        run = self._run(call)
        documents = [_log(run, log.id, line_count(log), log.created_at) for log in run.logs]
        if "logId" in call.values:
            found = [each for each in documents if each["id"] == call.id("logId")]
            if not found:
                raise RefusalError(
                    404,
                    "Microsoft.Azure.Pipelines.WebApi.LogNotFoundException",
                    f"Log {call.id('logId')} of run {run.id} could not be found.",
                )
            return answer(found[0])
        url = f"{API}/pipelines/{run.definition.id}/runs/{run.id}/logs"
        return answer({"logs": documents, "url": url})

    def _definition(self, call: Call, right: str) -> Definition:
        definition = self.organisation.definition(call.id("pipelineId"))
        demand(call.member, right, (definition.id, definition.name))
        return definition

    def _run(self, call: Call) -> Run:
        return self.organisation.pipeline_run(call.id("pipelineId"), call.id("runId"))


def read_order(body: Mapping[str, Any]) -> Order:
    """Return what the body orders; raises RefusalError for what is no text, or not done here."""
    parameters = body.get("templateParameters") or {}
    for name, value in parameters.items():
        if not isinstance(value, str):
            raise bad_request(f"Unable to convert the value of {name} to String.")
    for key in ("stagesToSkip", "yamlOverride"):
        if body.get(key):
            raise invalid(f"The twin runs files as they are: it knows no {key}.")
    given = body.get("variables") or {}
    variables = {name: str((each or {}).get("value") or "") for name, each in given.items()}
    return Order(parameters, variables)


def read_branch(body: Mapping[str, Any]) -> str:
    repositories = (body.get("resources") or {}).get("repositories") or {}
    return str((repositories.get("self") or {}).get("refName") or MAIN)


def _log(run: Run, number: int, lines: int, created: float) -> dict[str, Any]:
    return {
        "createdOn": stamp(created),
        "id": number,
        "lastChangedOn": stamp(run.changed_at),
        "lineCount": lines,
        "url": f"{API}/pipelines/{run.definition.id}/runs/{run.id}/logs/{number}",
    }
