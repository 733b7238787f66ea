"""What the service acts on, and the rules that it keeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.people import Thread
from bot.domain.policy import Policy
from bot.ports import Bell, Clock, Jobs, Pipelines, Registry, RunStore, Tracking
from bot.ports.directory import Directory
from bot.ports.records import PromotionStore, ScheduleStore, SweepStore
from bot.ports.sampler import Sampler
from trainer.contract.spec import ModelConfig


@dataclass(frozen=True)
class DataFile:
    """A file of training data that was found: its real path, size and hash."""

    uri: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class BaseFolder:
    """A base model's folder that was found: its real path, and its shape where it says it."""

    uri: str
    config: ModelConfig | None


DataFinder = Callable[[str], Awaitable[DataFile | None]]
FolderFinder = Callable[[str], Awaitable[BaseFolder]]


@dataclass(frozen=True)
class World:
    """What the service acts on, and the rules that it keeps."""

    store: RunStore
    tracking: Tracking
    pipelines: Pipelines
    jobs: Jobs
    clock: Clock
    bell: Bell
    policy: Policy
    directory: Directory
    schedules: ScheduleStore
    promotions: PromotionStore
    sweeps: SweepStore
    sampler: Sampler
    registry: Registry
    is_local: bool
    find_data: DataFinder  # None for a built-in source; raises InputError for a bad path
    find_folder: FolderFinder  # a base model's or a tokenizer's; raises InputError for a bad path
    machines: frozenset[tuple[str, str]] | None = (
        None  # (sku, priority); None: whatever has a price
    )
    announce: Thread | None = None  # hears of runs whose owner has no conversation
    sign_in_url: str = ""  # where somebody unknown becomes known; empty: in the people file
