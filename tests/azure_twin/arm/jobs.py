"""HTTP of jobs: PUT once, look, list, cancel, delete."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.azure_twin.arm.errors import ArmError, bad_request, not_found
from tests.azure_twin.arm.operations import Operations
from tests.azure_twin.arm.places import ARTIFACTS
from tests.azure_twin.arm.resource import resource, system_data
from tests.azure_twin.context import CommandError, TwinContext
from tests.azure_twin.jobs.life import Jobs
from tests.azure_twin.jobs.record import Job
from tests.azure_twin.routes import Routes
from tests.azure_twin.world import REGION, TENANT, WORKSPACE, WORKSPACE_PATH

PAGE = 10  # smaller than the service's, so that paging is exercised
MUTABLE = ("tags", "displayName", "description", "properties", "isArchived")
# Compared with the first PUT. Order and absent nulls do not matter.
FROZEN = (
    "command",
    "codeId",
    "environmentId",
    "environmentVariables",
    "computeId",
    "inputs",
    "outputs",
    "distribution",
    "resources",
    "limits",
    "identity",
    "experimentName",
    "jobType",
)


class JobRoutes:
    def __init__(self, twin: TwinContext, jobs: Jobs, operations: Operations) -> None:
        self._twin = twin
        self._jobs = jobs
        self._operations = operations
        self._spent: set[str] = set()  # names of deleted jobs: a name is never good again
        twin.commands["job.preempt"] = self._preempt
        twin.commands["jobs.pace"] = self._pace
        twin.commands["jobs.cancel"] = self._cancel_all
        twin.commands["jobs.image"] = self._image

    def add_to(self, routes: Routes) -> None:
        routes.add("GET", "/jobs", self._list)
        routes.add("GET", "/jobs/{name}", self._get)
        routes.add("PUT", "/jobs/{name}", self._put)
        routes.add("DELETE", "/jobs/{name}", self._delete)
        routes.add("POST", "/jobs/{name}/cancel", self._cancel)

    async def _preempt(self, values: dict[str, Any]) -> None:
        """Take the nodes of a running job: SIGTERM, `grace_s` later SIGKILL, then queued again."""
        job = self._jobs.held.get(values["name"])
        if job is None or job.status != "Running":
            raise CommandError(f"The job {values['name']!r} is not running.")
        self._jobs.preempt(job, float(values.get("grace_s", 5)))

    async def _cancel_all(self, values: dict[str, Any]) -> None:
        """Cancel what is not finished, to have the nodes free."""
        for job in list(self._jobs.held.values()):
            self._jobs.cancel(job)

    async def _image(self, values: dict[str, Any]) -> None:
        """Let the image of all jobs bring the programs in the folder `programs`; "": none."""
        self._twin.options["programs"] = values["programs"]

    async def _pace(self, values: dict[str, Any]) -> None:
        self._jobs.pace_s = float(values["seconds"])

    async def _list(self, request: web.Request) -> web.Response:
        """Return a page, newest first; neither name nor a tag's value is a filter."""
        found = list(reversed(self._jobs.held.values()))
        query = request.query
        if query.get("listViewType", "ActiveOnly") == "ActiveOnly":
            found = [job for job in found if not job.value("isArchived")]
        if tag := query.get("tag"):
            found = [job for job in found if tag in (job.value("tags") or {})]
        begin = int(query.get("$skip", 0))
        body: dict[str, Any] = {"value": [job_body(one) for one in found[begin : begin + PAGE]]}
        if begin + PAGE < len(found):
            more = urlencode({**query, "$skip": str(begin + PAGE)})
            body["nextLink"] = f"https://management.azure.com{request.path}?{more}"
        return web.json_response(body)

    async def _get(self, request: web.Request, name: str) -> web.Response:
        return web.json_response(job_body(self._known(name)))

    def _known(self, name: str) -> Job:
        job = self._jobs.held.get(name)
        if job is None:
            raise not_found(f"The run {name!r}")
        return job

    async def _put(self, request: web.Request, name: str) -> web.Response:
        asked = (await request.json())["properties"]
        held = self._jobs.held.get(name)
        if held is not None:
            self._change(held, asked)
            return web.json_response(job_body(held))
        self._check(name, asked)
        made = system_data(self._twin.clock, request.get("claims"))
        return web.json_response(job_body(self._jobs.submit(name, asked, made)), status=201)

    def _check(self, name: str, asked: Mapping[str, Any]) -> None:
        """Raise ArmError for what the service refuses at once. [guess] Codes and words."""
        if name in self._spent:
            raise bad_request(f"The run {name!r} was deleted; its name cannot be used again.")
        if asked.get("jobType") != "Command":
            raise bad_request(f"The twin runs command jobs only, not {asked.get('jobType')!r}.")
        if not asked.get("command") or not asked.get("environmentId"):
            raise bad_request("A command job needs a command and an environment.")
        compute = str(asked.get("computeId") or "").rsplit("/", 1)[-1]
        if compute not in self._jobs.capacity.clusters:
            raise ArmError(
                404,
                "UserError",
                f"Compute {compute!r} was not found in the workspace {WORKSPACE!r}.",
                inner=("BadArgument", "ComputeNotFound"),
            )
        self._check_assets(asked)

    def _check_assets(self, asked: Mapping[str, Any]) -> None:
        ids = [asked.get("environmentId"), asked.get("codeId")]
        ids += [one.get("uri") for one in (asked.get("inputs") or {}).values()]
        for one in filter(None, ids):
            if "/versions/" in one and "/registries/" not in one:
                self._jobs.assets.by_id(one)
        if distribution := asked.get("distribution"):
            kind = distribution.get("distributionType")
            if kind != "PyTorch":
                raise bad_request(f"The twin distributes PyTorch only, not {kind!r}.")

    def _change(self, job: Job, asked: Mapping[str, Any]) -> None:
        """Take a later PUT's changes; what is run may not change."""
        bad = [key for key in FROZEN if _differs(asked.get(key), job.asked.get(key))]
        if bad:
            raise ArmError(
                400,
                "UserError",
                "A job with this name already exists. If you are trying to create a new job, use a "
                "different name. If you are trying to update an existing job, the existing job's "
                f"{', '.join(bad)} cannot be changed. Only description, tags, displayName, "
                "properties, and isArchived can be updated.",
                inner=("Immutable", "JobPropertyImmutable"),
            )
        for key in MUTABLE:
            if asked.get(key) is not None:
                job.changed[key] = asked[key]

    async def _cancel(self, request: web.Request, name: str) -> web.Response:
        job = self._known(name)
        if job.is_final:
            return web.Response(status=200)
        self._jobs.cancel(job)
        operation = self._operations.start("jc", lambda: job.is_final or None)
        headers = self._operations.headers(request, operation)
        # Seen in the SDK: this operation is followed by its Location only.
        headers.pop("Azure-AsyncOperation")
        return web.Response(status=202, headers=headers)

    async def _delete(self, request: web.Request, name: str) -> web.Response:
        job = self._known(name)
        if not job.is_final:
            raise ArmError(
                409, "UserError", f"The run {name!r} is not finished and cannot be deleted."
            )
        del self._jobs.held[name]
        self._spent.add(name)
        return self._operations.accepted(request, self._operations.start("jd", lambda: True))


def _differs(asked: Any, held: Any) -> bool:
    return _plain(asked) != _plain(held)


def _plain(value: Any) -> Any:
    """Return a value without nulls and empty parts, so that an absent one equals an empty one."""
    if isinstance(value, dict):
        kept = {key: _plain(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in (None, {}, [])} or None
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def job_body(job: Job) -> dict[str, Any]:
    """Return the resource: what was asked, with what the service adds."""
    outputs: dict[str, Any] = {
        name: {**output, "uri": job.output_uri(name)} for name, output in job.outputs.items()
    }
    outputs["default"] = {
        "description": None,
        "uri": f"{ARTIFACTS}/ExperimentRun/dcid.{job.name}",
        "assetName": None,
        "assetVersion": None,
        "mode": "ReadWriteMount",
        "jobOutputType": "uri_folder",
    }
    properties = {
        **job.asked,
        "status": job.status,
        "displayName": job.value("displayName") or job.name,
        "description": job.value("description"),
        "experimentName": job.experiment,
        "tags": job.value("tags") or {},
        "properties": {**(job.value("properties") or {}), **job.added},
        "isArchived": bool(job.value("isArchived")),
        "parentJobName": None,
        "outputs": outputs,
        "services": _services(job.name),
    }
    return resource(f"jobs/{job.name}", properties, systemData=job.system_data)


def _services(name: str) -> dict[str, Any]:
    tracking = f"azureml://{REGION}.api.azureml.ms/mlflow/v1.0{WORKSPACE_PATH}?"
    studio = f"https://ml.azure.com/runs/{name}?wsid={WORKSPACE_PATH}&tid={TENANT}"
    rest = {"port": None, "status": None, "errorMessage": None, "properties": None, "nodes": None}
    return {
        "Tracking": {"jobServiceType": "Tracking", "endpoint": tracking, **rest},
        "Studio": {"jobServiceType": "Studio", "endpoint": studio, **rest},
    }
