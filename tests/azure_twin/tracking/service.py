"""The workspace's MLflow REST API: a job's name is its MLflow run id."""

import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from tests.azure_twin.arm.places import run_place
from tests.azure_twin.blob.store import BlobStore
from tests.azure_twin.context import TwinContext
from tests.azure_twin.jobs.life import Jobs, experiment_id
from tests.azure_twin.tracking.record import MLflowError, Record, metric, new_info, too_much
from tests.azure_twin.tracking.search import matches

METRICS_PER_BATCH = 1000
HISTORY_PAGE = 25_000


Operation = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class MLflow:
    """In memory. `calls_per_s` answers 429 to more calls than that, when it is set."""

    def __init__(self, twin: TwinContext, jobs: Jobs, store: BlobStore) -> None:
        self._twin = twin
        self._jobs = jobs
        self._store = store
        self._records: dict[str, Record] = {}
        self._experiments: dict[str, str] = {experiment_id("Default"): "Default"}
        self._calls_per_s: float | None = None
        self._calls: deque[float] = deque()
        twin.commands["mlflow.limit"] = self._set_limit
        twin.resets.append(self._reset)
        self._operations: dict[tuple[str, str], Operation] = {
            ("POST", "experiments/create"): self._create_experiment,
            ("GET", "experiments/get"): self._get_experiment,
            ("GET", "experiments/get-by-name"): self._experiment_by_name,
            ("POST", "experiments/search"): self._search_experiments,
            ("POST", "runs/create"): self._create,
            ("GET", "runs/get"): self._get,
            ("POST", "runs/update"): self._update,
            ("POST", "runs/search"): self._search,
            ("POST", "runs/log-batch"): self._log_batch,
            ("POST", "runs/log-metric"): self._log_metric,
            ("POST", "runs/log-parameter"): self._log_parameter,
            ("POST", "runs/set-tag"): self._set_tag,
            ("POST", "runs/delete-tag"): self._delete_tag,
            ("GET", "metrics/get-history"): self._history,
            ("GET", "artifacts/list"): self._artifacts,
        }

    def _reset(self) -> None:
        self._calls_per_s = None

    async def _set_limit(self, values: dict[str, Any]) -> None:
        self._calls_per_s = values.get("calls_per_s")

    async def handle(self, request: web.Request, rest: str) -> web.Response:
        try:
            self._throttle()
            _, _, operation = rest.partition("mlflow/")
            found = self._operations.get((request.method, operation))
            if found is None:
                # MLflow 3's logged-models among them (azure-sdk-for-python #44896).
                raise MLflowError(404, "ENDPOINT_NOT_FOUND", f"There is no {request.path}.")
            # Not `can_read_body`: the server has read the body already, for its log.
            body = await request.json() if request.body_exists else dict(request.query)
            return web.json_response(await found(body))
        except MLflowError as error:
            headers = {"Retry-After": "1"} if error.status == 429 else {}
            answer = {"error_code": error.code, "message": str(error)}
            return web.json_response(answer, status=error.status, headers=headers)

    def _throttle(self) -> None:
        if self._calls_per_s is None:
            return
        now = time.monotonic()
        while self._calls and now - self._calls[0] >= 1:
            self._calls.popleft()
        if len(self._calls) >= self._calls_per_s:
            raise MLflowError(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests; retry later.")
        self._calls.append(now)

    # ------------------------------------------------------------------------- experiments

    async def _create_experiment(self, body: Mapping[str, Any]) -> dict[str, Any]:
        name = body["name"]
        if name in self._experiments.values():
            raise MLflowError(400, "RESOURCE_ALREADY_EXISTS", f"Experiment {name!r} exists.")
        self._experiments[experiment_id(name)] = name
        return {"experiment_id": experiment_id(name)}

    async def _get_experiment(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"experiment": self._experiment(body["experiment_id"])}

    async def _experiment_by_name(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"experiment": self._experiment(experiment_id(body["experiment_name"]))}

    async def _search_experiments(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._know_jobs()
        return {"experiments": [self._experiment(one) for one in self._experiments]}

    def _know_jobs(self) -> None:
        for job in self._jobs.held.values():
            self._experiments.setdefault(experiment_id(job.experiment), job.experiment)

    def _experiment(self, key: str) -> dict[str, Any]:
        self._know_jobs()
        if key not in self._experiments:
            raise MLflowError(404, "RESOURCE_DOES_NOT_EXIST", f"No experiment {key!r}.")
        return {
            "experiment_id": key,
            "name": self._experiments[key],
            "artifact_location": "",
            "lifecycle_stage": "active",
            "tags": [],
        }

    # -------------------------------------------------------------------------------- runs

    async def _create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        made = str(uuid.uuid4())
        experiment = self._experiment(body.get("experiment_id") or experiment_id("Default"))
        info = new_info(made, experiment["experiment_id"], body.get("run_name") or made)
        info["start_time"] = int(body.get("start_time") or self._twin.clock.seconds() * 1000)
        self._records[made] = Record(info)
        self._records[made].tag(body.get("tags") or [])
        return {"run": self._records[made].body()}

    async def _get(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"run": self._record(body).body()}

    def _record(self, body: Mapping[str, Any]) -> Record:
        """Return the record of a run; a job's begins with the job."""
        run = str(body.get("run_id") or body.get("run_uuid") or "")
        job = self._jobs.held.get(run)
        if job is None:
            if run not in self._records:
                raise MLflowError(404, "RESOURCE_DOES_NOT_EXIST", f"Run with id {run} not found.")
            return self._records[run]
        record = self._records.setdefault(run, Record(new_info(run, "", run)))
        record.follow(job)
        return record

    async def _update(self, body: Mapping[str, Any]) -> dict[str, Any]:
        record = self._record(body)
        for key in ("status", "end_time", "run_name"):
            if body.get(key) is not None:
                record.info[key] = body[key]
        return {"run_info": record.info}

    async def _search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        for name in self._jobs.held:
            self._record({"run_id": name})
        wanted = set(body.get("experiment_ids") or [])
        found = [
            record.body()
            for record in self._records.values()
            if record.info["experiment_id"] in wanted
        ]
        found = [one for one in found if matches(one, str(body.get("filter") or ""))]
        found.sort(key=lambda one: -int(one["info"]["start_time"] or 0))
        return _page("runs", found, body, 1000)

    async def _log_batch(self, body: Mapping[str, Any]) -> dict[str, Any]:
        record = self._record(body)
        metrics = [metric(one) for one in body.get("metrics") or []]
        if len(metrics) > METRICS_PER_BATCH:
            raise too_much(f"{len(metrics)} metrics in one batch; {METRICS_PER_BATCH} are allowed")
        record.add_parameters(body.get("params") or [])
        self._tag(body, body.get("tags") or [])
        for one in metrics:
            record.add_metric(one)
        return {}

    async def _log_metric(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._record(body).add_metric(metric(body))
        return {}

    async def _log_parameter(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._record(body).add_parameters([body])
        return {}

    async def _set_tag(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._tag(body, [body])
        return {}

    def _tag(self, body: Mapping[str, Any], tags: list[Mapping[str, Any]]) -> None:
        """Tag a run; a job's tags and those of its MLflow run are one and the same [doc]."""
        self._record(body).tag(tags)
        job = self._jobs.held.get(str(body.get("run_id") or body.get("run_uuid") or ""))
        if job is not None:
            added = {str(one["key"]): str(one["value"]) for one in tags}
            job.changed["tags"] = {**(job.value("tags") or {}), **added}

    async def _delete_tag(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._record(body).tags.pop(body["key"], None)
        return {}

    async def _history(self, body: Mapping[str, Any]) -> dict[str, Any]:
        values = self._record(body).history.get(body["metric_key"], [])
        return _page("metrics", values, body, HISTORY_PAGE)

    async def _artifacts(self, body: Mapping[str, Any]) -> dict[str, Any]:
        record = self._record(body)
        path = str(body.get("path") or "").strip("/")
        place = run_place(record.info["run_id"]).below(path)
        files: dict[str, dict[str, Any]] = {}
        for one in await self._store.list(place):
            first, _, below = one.name.partition("/")
            name = f"{path}/{first}".strip("/")
            entry: dict[str, Any] = {"path": name, "is_dir": bool(below)}
            files[name] = entry if below else {**entry, "file_size": one.size}
        return {"root_uri": record.info["artifact_uri"], "files": list(files.values())}


def _page(
    name: str, found: Sequence[Any], body: Mapping[str, Any], usual_size: int
) -> dict[str, Any]:
    """Return the page that is asked for, and where the next one begins if there is one."""
    begin = int(body.get("page_token") or 0)
    end = begin + int(body.get("max_results") or usual_size)
    more = {"next_page_token": str(end)} if end < len(found) else {}
    return {name: found[begin:end], **more}
