"""*.api.azureml.ms: discovery, run history, and the look-ups around them."""

from typing import Any

from aiohttp import web

from tests.azure_twin.actions import data_plane_action
from tests.azure_twin.arm.asset_routes import ResolvedUris
from tests.azure_twin.arm.errors import ArmError, not_found
from tests.azure_twin.arm.places import run_place
from tests.azure_twin.arm.service import Arm
from tests.azure_twin.blob.store import BlobStore, readable_url
from tests.azure_twin.jobs.life import Jobs, experiment_id
from tests.azure_twin.jobs.record import Job
from tests.azure_twin.routes import Routes
from tests.azure_twin.tracking.service import MLflow
from tests.azure_twin.world import REGION, WORKSPACE_ID, WORKSPACE_PATH

SERVICES = (
    "api",
    "catalog",
    "experimentation",
    "history",
    "hyperdrive",
    "labeling",
    "modelmanagement",
    "notebooks",
    "pipelines",
)


class DataPlane:
    """Answers by the same tokens and permissions as ARM does."""

    def __init__(
        self, arm: Arm, jobs: Jobs, store: BlobStore, mlflow: MLflow, uris: ResolvedUris
    ) -> None:
        self._arm = arm
        self._jobs = jobs
        self._store = store
        self._routes = Routes()
        add, history = self._routes.add, f"/history/v1.0{WORKSPACE_PATH}"
        for below in ("", "/experiments/{experiment}", "/experimentids/{experiment}"):
            add("GET", f"{history}{below}/runs/{{run}}", self._get)
            add("PATCH", f"{history}{below}/runs/{{run}}", self._patch)
            add("GET", f"{history}{below}/runs/{{run}}/details", self._details)
            add("GET", f"{history}{below}/runs/{{run}}/children", self._children)
        add("POST", f"{history}/rundata", self._run_data)
        base = "dataversion/batchGetResolvedUris"
        add("POST", f"/data/v1.0{WORKSPACE_PATH}/{base}", uris.data)
        add("POST", f"/modelregistry/v1.0{WORKSPACE_PATH}/models/batchGetResolvedUris", uris.models)
        for version in ("v1.0", "v2.0"):
            for verb in ("GET", "POST", "PATCH", "DELETE"):
                add(verb, f"/mlflow/{version}{WORKSPACE_PATH}/{{rest+}}", mlflow.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.rstrip("/") == "/discovery":
            base = f"https://{REGION}.api.azureml.ms"
            return web.json_response(
                {**dict.fromkeys(SERVICES, base), "studio": "https://ml.azure.com"}
            )
        try:
            found = self._routes.find(request.method, request.path)
            action = data_plane_action(request.method, request.path)
            self._arm.authorize(request, action)
            if found is None:
                raise not_found(f"{request.method} {request.path}")
            handler, values = found
            return await handler(request, **values)
        except ArmError as error:
            return error.answer()

    def _known(self, run: str) -> Job:
        job = self._jobs.held.get(run)
        if job is None:
            raise not_found(f"The run {run!r}")
        return job

    async def _get(self, request: web.Request, run: str, experiment: str = "") -> web.Response:
        return web.json_response(run_body(self._known(run)))

    async def _patch(self, request: web.Request, run: str, experiment: str = "") -> web.Response:
        job, body = self._known(run), await request.json()
        for key in ("displayName", "description"):
            if body.get(key) is not None:
                job.changed[key] = body[key]
        for key in ("tags", "properties"):
            if body.get(key):
                job.changed[key] = {**(job.value(key) or {}), **body[key]}
        return web.json_response(run_body(job))

    async def _details(self, request: web.Request, run: str, experiment: str = "") -> web.Response:
        job = self._known(run)
        place = run_place(run)
        names = [one.name for one in await self._store.list(place)]
        logs = {name: readable_url(place.below(name)) for name in names if "logs/" in name}
        facts = run_body(job)
        kept = ("runId", "target", "status", "startTimeUtc", "endTimeUtc", "warnings", "error")
        body = {
            **{key: facts[key] for key in kept},
            "properties": facts["properties"],
            "tags": facts["tags"],
            "inputDatasets": [],
            "outputDatasets": [],
            "runDefinition": None,
            "logFiles": logs,
            "submittedBy": facts["createdBy"]["userName"],
        }
        return web.json_response(body)

    async def _children(self, request: web.Request, run: str, experiment: str = "") -> web.Response:
        self._known(run)
        return web.json_response({"value": []})

    async def _run_data(self, request: web.Request) -> web.Response:
        job = self._known((await request.json())["runId"])
        body = {
            "runMetadata": run_body(job),
            "runDefinition": None,
            "jobSpecification": None,
            "systemSettings": None,
        }
        return web.json_response(body)


def run_body(job: Job) -> dict[str, Any]:
    """Return a run as run history shows it: the models of azure-ai-ml 1.35.2 name the fields."""
    waiting = None
    if job.waiting is not None:
        waiting = {"code": job.waiting.code, "message": job.waiting.message}
    outputs = {
        name: {
            "assetId": (
                f"azureml://locations/{REGION}/workspaces/{WORKSPACE_ID}/"
                f"{asset['kind']}/{asset['name']}/versions/1"
            ),
            "type": {"custom_model": "CustomModel", "mlflow_model": "MLFlowModel"}.get(
                asset["type"], asset["type"]
            ),
        }
        for name, asset in job.assets.items()
    }
    return {
        "runId": job.name,
        "runNumber": 1,
        "rootRunId": job.name,
        "parentRunId": None,
        "experimentId": experiment_id(job.experiment),
        "status": job.status,
        "createdUtc": job.system_data["createdAt"],
        "startTimeUtc": job.started,
        "endTimeUtc": job.ended,
        "displayName": job.value("displayName") or job.name,
        "description": job.value("description"),
        "tags": job.value("tags") or {},
        "properties": {**(job.value("properties") or {}), **job.added},
        "runType": "azureml.scriptrun",
        "queueingInfo": waiting,
        "warnings": [],
        "error": job.error,
        "createdBy": {"userName": job.system_data["createdBy"]},
        "target": job.compute,
        "inputs": None,
        "outputs": outputs,
    }
