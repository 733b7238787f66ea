"""The clusters of the workspace: how many nodes work, and why a job has none."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.azure.job_state import Job, preparing
from bot.adapters.azure.workspace import Workspace
from bot.domain.run import JobState
from bot.ports import ClusterSeen
from trainer.contract.clusters import ClusterEntry

FRESH_S = 15.0
# [guess] The names of usages, from the examples in Azure's REST documentation.
LOW_PRIORITY_QUOTA = "lowprioritycores"
_WORKING = ("running", "preparing", "leaving", "unusable")


@dataclass(frozen=True)
class Machines:
    """One cluster as Azure ML tells it. `quota` counts further nodes that the region would give."""

    name: str
    sku: str
    is_low: bool
    most: int
    busy: int
    idle: int
    is_resizing: bool
    quota: int | None
    state: str = "Succeeded"


@dataclass(frozen=True)
class Size:
    """A machine size: its family, by which quota is counted, and its cores."""

    name: str
    family: str
    cores: int


class Clusters:
    """Looks at most every `FRESH_S`. Calls block: from a thread only."""

    def __init__(self, workspace: Workspace, now: Callable[[], float] = time.monotonic) -> None:
        self._workspace, self._now = workspace, now
        self._sizes: Mapping[str, Size] = {}
        self._found: Mapping[str, Machines] = {}
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    def look(self) -> Mapping[str, Machines]:
        """Return the clusters by name."""
        with self._lock:
            return self._look()

    def _look(self) -> Mapping[str, Machines]:
        if self._now() - self._looked_at >= FRESH_S:
            free = _free_cores(self._workspace.ml.compute.list_usage())
            clusters = [
                one
                for one in self._workspace.computes()
                if one["properties"].get("computeType") == "AmlCompute"
            ]
            self._found = {str(one["name"]): self._machines(one, free) for one in clusters}
            self._looked_at = self._now()
        return self._found

    def _machines(self, said: Mapping[str, Any], free: Mapping[str, int]) -> Machines:
        state = str(said["properties"].get("provisioningState") or "Succeeded")
        inner = said["properties"].get("properties") or {}
        nodes = inner.get("nodeStateCounts") or {}
        is_low = str(inner.get("vmPriority")) == "LowPriority"
        size, quota = self._size(str(inner["vmSize"])), None
        if size is not None:
            left = free.get(LOW_PRIORITY_QUOTA if is_low else size.family.lower())
            quota = None if left is None else max(0, left // size.cores)
        return Machines(
            name=str(said["name"]),
            sku=size.name if size is not None else str(inner["vmSize"]),
            is_low=is_low,
            most=int((inner.get("scaleSettings") or {}).get("maxNodeCount") or 0),
            busy=sum(int(nodes.get(f"{kind}NodeCount") or 0) for kind in _WORKING),
            idle=int(nodes.get("idleNodeCount") or 0),
            is_resizing=inner.get("allocationState") == "Resizing",
            quota=quota,
            state=state,
        )

    def _size(self, sku: str) -> Size | None:
        if not self._sizes:
            sizes = (vars(one) for one in self._workspace.ml.compute.list_sizes())
            self._sizes = {
                str(one["name"]).lower(): Size(str(one["name"]), str(one["family"]), cores)
                for one in sizes
                if (cores := int(_said(one, "vCPUs", "v_cp_us") or 0))
            }
        return self._sizes.get(sku.lower())


def _free_cores(usages: Iterable[Any]) -> Mapping[str, int]:
    """Return the cores left by quota; a family is named as the machine sizes name it."""
    found = {}
    for one in usages:
        said = vars(one)
        name = said["name"] if isinstance(said["name"], Mapping) else vars(said["name"])
        used = int(_said(said, "currentValue", "current_value") or 0)
        found[str(name.get("value")).lower()] = int(said["limit"] or 0) - used
    return found


def _said(values: Mapping[str, Any], *names: str) -> Any:
    """Return the first that is set: azure-ai-ml 1.35.2 keeps these under the wire's names."""
    return next((values[name] for name in names if values.get(name) is not None), None)


def shown(
    entries: Sequence[ClusterEntry], found: Mapping[str, Machines], jobs: Iterable[Job]
) -> Sequence[ClusterSeen]:
    """Return the clusters that runs can have, in the order of their file."""
    waiting = [job.cluster for job in jobs if job.state is JobState.WAITING]
    return [
        _shown(entry, found.get(entry.cluster), waiting.count(entry.cluster)) for entry in entries
    ]


def _shown(entry: ClusterEntry, machines: Machines | None, waiting: int) -> ClusterSeen:
    if machines is None:
        note = f"The workspace has no cluster {entry.cluster}; an administrator must create it."
        return ClusterSeen(entry.cluster, entry.sku, entry.priority, 0, 0, 0, waiting, None, note)
    note = ""
    if machines.state != "Succeeded":
        note = f"The cluster is {machines.state.lower()}."
    elif machines.quota == 0 and machines.idle == 0 and machines.busy < machines.most:
        note = "The quota for these machines is used up: no further node can be had."
    elif entry.sku.lower() != machines.sku.lower() and entry.sku != "local-cpu":
        note = f"Its machines are {machines.sku}, not {entry.sku}."
    return ClusterSeen(
        name=machines.name,
        sku=entry.sku,
        priority=entry.priority,
        most=machines.most,
        busy=machines.busy,
        idle=machines.idle,
        waiting=waiting,
        quota=machines.quota,
        note=note,
    )


def why_waiting(job: Job, machines: Machines | None, said: str) -> str:
    """Return in a sentence why a job has no node; `said` are the service's own words."""
    if preparing(job):
        return preparing(job)
    if machines is None:
        return said or f"The cluster {job.cluster} is not there."
    if job.nodes > machines.most:
        return (
            f"It wants {job.nodes} nodes and {machines.name} has at most {machines.most}: it will "
            "never start. Cancel it and ask for fewer."
        )
    free = machines.most - machines.busy
    if free < job.nodes:
        return _busy(machines, job.nodes, free)
    if machines.quota is not None and machines.quota + machines.idle < job.nodes:
        return (
            f"{machines.name} has room, but the subscription's quota for {machines.sku} is used "
            "up. It starts when other machines are given back."
        )
    if machines.is_resizing or machines.idle < job.nodes:
        low = ", if low-priority machines are to be had" if machines.is_low else ""
        return f"{machines.name} is starting a node for it, which takes some minutes{low}."
    return said or f"{machines.name} has a free node; it starts in a moment."


def _busy(machines: Machines, wanted: int, free: int) -> str:
    nodes = "node is" if machines.most == 1 else f"{machines.most} nodes are"
    if free <= 0:
        all_of = "The only" if machines.most == 1 else "All"
        return f"{all_of} {nodes} busy on {machines.name}; it starts when one becomes free."
    return f"{machines.name} has {free} of {machines.most} nodes free, and it needs {wanted}."
