"""Nodes of the clusters and the quota behind them: who gets nodes, and why others wait."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.azure_twin.arm.skus import DEDICATED_CORES, LOW_PRIORITY_CORES, Sku, sku
from tests.azure_twin.clock import Clock
from tests.azure_twin.world import CLUSTERS

LOW_PRIORITY = "LowPriority"
LOW_PRIORITY_QUOTA = "lowPriorityCores"
# A cluster keeps a free node for so long (nodeIdleTimeBeforeScaleDown).
IDLE_S = 120


@dataclass
class Cluster:
    """One compute cluster; `holders` is what runs on its nodes, by job."""

    name: str
    sku: Sku
    priority: str
    max_nodes: int
    holders: dict[str, int] = field(default_factory=dict)
    idle: list[float] = field(default_factory=list)  # when each free node was let go

    @property
    def used(self) -> int:
        return sum(self.holders.values())

    @property
    def quota_name(self) -> str:
        return LOW_PRIORITY_QUOTA if self.priority == LOW_PRIORITY else self.sku.family

    def idle_nodes(self, now: float) -> int:
        self.idle = [since for since in self.idle if now - since < IDLE_S]
        return min(len(self.idle), self.max_nodes - self.used)


@dataclass(frozen=True)
class Waiting:
    """Why a job has no nodes: a code and a sentence, as queueing information has them.

    [guess] The codes and words; run history's model names the fields only.
    """

    code: str
    message: str


def _clusters() -> dict[str, Cluster]:
    return {
        name: Cluster(name, sku(str(one["sku"])), str(one["priority"]), int(str(one["nodes"])))
        for name, one in CLUSTERS.items()
    }


@dataclass
class Capacity:
    """Hands out nodes first come, first served for each cluster."""

    clock: Clock
    clusters: dict[str, Cluster] = field(default_factory=_clusters)
    limits: dict[str, int] = field(default_factory=dict)
    # Cores that others than jobs use, e.g. deployments: by quota name.
    others: Callable[[], dict[str, int]] = dict
    queue: list[tuple[str, str]] = field(default_factory=list)  # (job, cluster)

    def reset(self) -> None:
        """Take back changed limits and sizes; what runs keeps its nodes."""
        self.limits.clear()
        for name, cluster in _clusters().items():
            self.clusters[name].max_nodes = cluster.max_nodes

    def limit(self, quota: str) -> int:
        usual = LOW_PRIORITY_CORES if quota == LOW_PRIORITY_QUOTA else DEDICATED_CORES
        return self.limits.get(quota, usual)

    def cores(self, quota: str) -> int:
        """Return the cores in use that count against a quota."""
        jobs = sum(
            one.used * one.sku.cores for one in self.clusters.values() if one.quota_name == quota
        )
        return jobs + self.others().get(quota, 0)

    def take(self, job: str, cluster_name: str, nodes: int) -> Waiting | None:
        """Give a job its nodes, or say why it has to wait; ask again to get them later."""
        cluster = self.clusters[cluster_name]
        if job in cluster.holders:
            return None
        if (job, cluster_name) not in self.queue:
            self.queue.append((job, cluster_name))
        waiting = self._why(job, cluster, nodes)
        if waiting is not None:
            return waiting
        self.queue.remove((job, cluster_name))
        cluster.holders[job] = nodes
        cluster.idle = cluster.idle[nodes:]
        return None

    def _why(self, job: str, cluster: Cluster, nodes: int) -> Waiting | None:
        if nodes > cluster.max_nodes:
            return Waiting(
                "InsufficientClusterSize",
                f"The job asks for {nodes} nodes, and the cluster {cluster.name} has at most "
                f"{cluster.max_nodes}.",
            )
        need, quota = nodes * cluster.sku.cores, cluster.quota_name
        used, limit = self.cores(quota), self.limit(quota)
        if used + need > limit:
            return Waiting(
                "InsufficientQuota",
                f"The job needs {need} cores of {quota}; {used} of {limit} are in use.",
            )
        ahead = next(one for one, name in self.queue if name == cluster.name) != job
        free = cluster.max_nodes - cluster.used
        if nodes > free or ahead:
            return Waiting(
                "WaitingForNodes",
                f"The cluster {cluster.name} has {free} of {cluster.max_nodes} nodes free, and the "
                f"job needs {nodes}.",
            )
        return None

    def is_warm(self, cluster_name: str, nodes: int) -> bool:
        """Return whether so many nodes are up already."""
        cluster = self.clusters[cluster_name]
        return cluster.idle_nodes(self.clock.seconds()) >= nodes

    def release(self, job: str) -> None:
        """Take back a job's nodes, and its place in the queue."""
        self.queue = [one for one in self.queue if one[0] != job]
        for cluster in self.clusters.values():
            nodes = cluster.holders.pop(job, 0)
            cluster.idle.extend([self.clock.seconds()] * nodes)
