"""A job as the service knows it: what was asked, and how it goes."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from tests.azure_twin.arm.places import place_of, run_place, short_uri
from tests.azure_twin.blob.store import Place
from tests.azure_twin.children import Child
from tests.azure_twin.jobs.capacity import Waiting
from tests.azure_twin.world import BLOB_STORE

FINAL = {"Completed", "Failed", "Canceled"}
MODELS = {"custom_model", "mlflow_model", "triton_model"}
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass
class Job:
    """`asked` is the first PUT's properties; `status` one of Azure ML's job statuses."""

    name: str
    asked: dict[str, Any]
    system_data: dict[str, Any]
    status: str = "NotStarted"
    attempt: int = 1
    changed: dict[str, Any] = field(default_factory=dict)  # by a later PUT or PATCH
    added: dict[str, str] = field(default_factory=dict)  # properties of the service's own
    started: str | None = None
    ended: str | None = None
    error: dict[str, Any] | None = None
    waiting: Waiting | None = None
    assets: dict[str, dict[str, str]] = field(default_factory=dict)  # outputs, by name
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    preempted: asyncio.Event = field(default_factory=asyncio.Event)
    grace_s: float = 5.0  # between SIGTERM and SIGKILL
    children: list[Child] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def nodes(self) -> int:
        return int((self.asked.get("resources") or {}).get("instanceCount") or 1)

    @property
    def processes(self) -> int:
        """Return the processes on each node."""
        distribution = self.asked.get("distribution") or {}
        return int(distribution.get("processCountPerInstance") or 1)

    @property
    def compute(self) -> str:
        return str(self.asked.get("computeId") or "").rsplit("/", 1)[-1]

    @property
    def experiment(self) -> str:
        return str(self.asked.get("experimentName") or "Default")

    @property
    def timeout_s(self) -> float | None:
        return seconds((self.asked.get("limits") or {}).get("timeout"))

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return {
            name: output
            for name, output in (self.asked.get("outputs") or {}).items()
            if name != "default"
        }

    def output_place(self, name: str) -> Place:
        """Return where a named output goes; `default` is the run's own folder."""
        if name == "default":
            return run_place(self.name)
        uri = (self.outputs.get(name) or {}).get("uri")
        if not uri:
            return Place(BLOB_STORE, f"azureml/{self.name}/{name}")
        for pattern, value in (
            ("${{name}}", self.name),
            ("${{output_name}}", name),
            ("${{default_datastore}}", "workspaceblobstore"),
        ):
            uri = uri.replace(pattern, value)
        return place_of(uri)

    def output_uri(self, name: str) -> str:
        return short_uri(self.output_place(name)) + "/"

    def value(self, key: str) -> Any:
        """Return a property as it is now."""
        return self.changed.get(key, self.asked.get(key))


def seconds(duration: str | None) -> float | None:
    """Return an ISO 8601 duration in seconds."""
    found = _DURATION.fullmatch(duration or "")
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(one or 0) for one in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
