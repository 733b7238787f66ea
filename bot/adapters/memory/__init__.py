"""Every port kept in memory: small fakes for tests, with the same contract as the real ones."""

from bot.adapters.memory.channel import MemoryChannel, Shown
from bot.adapters.memory.jobs import MemoryJobs
from bot.adapters.memory.pipelines import MemoryPipelines
from bot.adapters.memory.registry import MemoryRegistry
from bot.adapters.memory.store import MemoryStore
from bot.adapters.memory.tracking import MemoryTracking

__all__ = [
    "MemoryChannel",
    "MemoryJobs",
    "MemoryPipelines",
    "MemoryRegistry",
    "MemoryStore",
    "MemoryTracking",
    "Shown",
]
