"""Answers of Azure DevOps as its API shapes them, turned into the SDK's own objects."""

from typing import Any

from azure.devops.v7_1.build import models as build_models
from azure.devops.v7_1.service_hooks import models as hook_models
from msrest import Deserializer

_BUILD = Deserializer({k: v for k, v in vars(build_models).items() if isinstance(v, type)})
_HOOKS = Deserializer({k: v for k, v in vars(hook_models).items() if isinstance(v, type)})


def record(kind: str, name: str, **values: Any) -> dict[str, Any]:
    """Return a timeline record that has just completed well, but for `values`."""
    return {
        "previousAttempts": [],
        "id": values.get("id", f"{kind}/{name}"),
        "parentId": None,
        "type": kind,
        "name": name,
        "startTime": "2026-11-23T09:00:00.1234567Z",
        "finishTime": "2026-11-23T09:00:30.5Z",
        "currentOperation": None,
        "percentComplete": None,
        "state": "completed",
        "result": "succeeded",
        "resultCode": None,
        "changeId": 7,
        "lastModified": "0001-01-01T00:00:00",
        "workerName": "Azure Pipelines 2",
        "order": 1,
        "details": None,
        "errorCount": 0,
        "warningCount": 0,
        "url": None,
        "log": None,
        "task": None,
        "attempt": 1,
        "identifier": name,
        **values,
    }


def records(*said: dict[str, Any]) -> list[Any]:
    """Return the SDK's records."""
    timeline = {"records": list(said), "id": "t", "changeId": 7, "lastChangedBy": "x", "url": "u"}
    return list(_BUILD.deserialize_data(timeline, "Timeline").records)


def build(number: int, name: str, **values: Any) -> Any:
    """Return the SDK's build, running unless `values` say more."""
    said = {
        "id": number,
        "buildNumber": name,
        "status": "inProgress",
        "queueTime": "2026-11-23T08:59:00.0000001Z",
        "tags": [],
        "definition": {"id": 11, "name": "train"},
        "templateParameters": {},
        **values,
    }
    return _BUILD.deserialize_data(said, "Build")


def subscription(**values: Any) -> Any:
    """Return the SDK's service hook subscription."""
    return _HOOKS.deserialize_data(values, "Subscription")
