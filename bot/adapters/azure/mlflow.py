"""A job's record in the workspace's MLflow: the fall-back where its files cannot be had.

Plain mlflow-skinny with a token of ours for each request; azureml-mlflow pins packages that
conflict with ours.
"""

import functools
import importlib
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from pydantic import ValidationError

from bot.adapters.azure.credential import ARM_SCOPE
from bot.adapters.azure.faults import Answer, AnswerError
from bot.adapters.azure.workspace import Workspace
from bot.runfiles.history import UNITS, History
from trainer.contract.azure_job import Tag
from trainer.contract.failure import Failure

P = ParamSpec("P")
T = TypeVar("T")

# MLflow repeats seven times with growing pauses by itself; a sweep comes again anyway.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
# Azure's codes for a request that was turned away, and the status that each comes with.
_TURNED_AWAY = {
    "ExpiredAuthenticationToken": 401,
    "InvalidAuthenticationToken": 401,
    "AuthenticationFailed": 401,
    "AuthorizationFailed": 403,
    "TooManyRequests": 429,
}
_FAILED_WITH = re.compile(r"failed with error code (\d{3})")
_SIGN_IN_PAGE = 203


@dataclass(frozen=True)
class RunRecord:
    """What MLflow knows of a job: the latest value of each metric, and the tags."""

    status: str
    metrics: Mapping[str, tuple[int, float]]  # (step, value)
    tags: Mapping[str, str]

    @property
    def failure(self) -> Failure | None:
        """Return why the trainer says it failed, if it does."""
        text = self.tags.get(Tag.FAILURE.value)
        try:
            return Failure.model_validate_json(text) if text else None
        except ValidationError:
            return None


def _answered(call: Callable[P, T]) -> Callable[P, T]:
    """Turn what MLflow raises into an answer that is no success."""

    @functools.wraps(call)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        raised = importlib.import_module("mlflow.exceptions").MlflowException
        try:
            return call(*args, **kwargs)
        except raised as error:
            body = getattr(error, "json", None)
            status = int(error.get_http_status_code())
            answer = answer_of(status, str(error.error_code), str(error.message), body)
            raise AnswerError(answer) from error

    return asked


def answer_of(status: int, code: str, message: str, body: Mapping[str, Any] | None) -> Answer:
    """Return what the service had answered, of which MLflow's exception keeps only a part.

    MLflow knows its own errors' codes. An error of Azure itself comes as its JSON `body` under a
    status of 500, a page of HTML as text in the message, and no answer at all as a 500 too.
    """
    told = (body or {}).get("error")
    if isinstance(told, Mapping):
        code, message = str(told.get("code", code)), str(told.get("message", message))
        return Answer(_TURNED_AWAY.get(code, status), code, message)
    if "<html" in message.lower():
        found = _FAILED_WITH.search(message)
        status = int(found.group(1)) if found else _SIGN_IN_PAGE
        return Answer(status, code, f"a page came in place of an answer ({status})")
    return Answer(status, code, message)


class Mlflow:
    """Reads runs by their job's name. Calls block: from a thread only."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._store: Any = None

    @_answered
    def run(self, job: str) -> RunRecord:
        """Return what is recorded of a job. Raises `AnswerError` (404) where nothing is."""
        found = self._rest().get_run(job)
        latest = {m.key: (int(m.step), float(m.value)) for m in found.data._metric_objs}  # noqa: SLF001 - the public dict drops the steps
        return RunRecord(str(found.info.status), latest, dict(found.data.tags))

    @_answered
    def history(self, job: str, keys: Sequence[str]) -> History:
        """Return the recorded curves of a job; MLflow keeps every point that was sent."""
        history = History()
        for key in keys:
            points = self._rest().get_metric_history(job, key)
            # An attempt that went on from a checkpoint wrote some steps again: the later wins.
            last = {int(p.step): float(p.value) for p in sorted(points, key=_written)}
            for step in sorted(last):
                history.curve(key).add(step, last[step])
        return history

    def _rest(self) -> Any:
        with self._lock:
            if self._store is None:
                for name, value in _QUIET.items():
                    os.environ.setdefault(name, value)
                stores = importlib.import_module("mlflow.store.tracking.rest_store")
                self._store = stores.RestStore(self._creds)
            return self._store

    def _creds(self) -> Any:
        """Return where to ask and as whom; MLflow calls this for each request."""
        creds = importlib.import_module("mlflow.utils.rest_utils").MlflowHostCreds
        token = self._workspace.tokens.token(ARM_SCOPE)
        return creds(self._workspace.facts().tracking_url, token=token)


def known_keys(record: RunRecord) -> list[str]:
    """Return the metrics of a run that we draw."""
    own = sorted(key for key in record.metrics if key.startswith("eval_") and key not in UNITS)
    return [*(key for key in UNITS if key in record.metrics), *own]


def _written(point: Any) -> tuple[int, int]:
    return int(point.timestamp), int(point.step)
