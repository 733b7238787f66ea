"""The only protocols between the core and the world; each docstring is a contract.

Every adapter of a port passes the port's suite in `tests/adapters/`. Adapters raise `BotError`s
only: what a library raises is wrapped where it is called.
"""

# What ports take and return is imported from here, wherever it is defined.
from bot.domain.output import LogHits, LogLines, Mark, Marks, Metrics, MetricsQuery, Series
from bot.domain.seen import ClusterSeen
from bot.ports.channel import Bell, Channel
from bot.ports.clock import Clock
from bot.ports.jobs import Jobs, ResultFile
from bot.ports.pipelines import PipelineKind, PipelineRequest, Pipelines
from bot.ports.registry import Registry
from bot.ports.store import RunPage, RunQuery, RunStore
from bot.ports.tracking import Tracking

__all__ = [
    "Bell",
    "Channel",
    "Clock",
    "ClusterSeen",
    "Jobs",
    "LogHits",
    "LogLines",
    "Mark",
    "Marks",
    "Metrics",
    "MetricsQuery",
    "PipelineKind",
    "PipelineRequest",
    "Pipelines",
    "Registry",
    "ResultFile",
    "RunPage",
    "RunQuery",
    "RunStore",
    "Series",
    "Tracking",
]
