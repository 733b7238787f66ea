"""What the service acts on, and the rules that it keeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.people import Thread
from bot.domain.policy import Policy
from bot.ports import Bell, Clock, Jobs, Pipelines, Registry, RunStore, Tracking
from bot.ports.directory import Directory
from bot.ports.records import PromotionStore, ScheduleStore, SweepStore
from bot.ports.sampler import Sampler
from trainer.contract.spec import ModelConfig, ModelSpec


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


@dataclass(frozen=True)
class HubModel:
    """A model of a hub that was found: its commit, its shape where it says one that we know.

    `bytes` is what a run fetches of it.
    """

    commit: str
    config: ModelConfig | None
    bytes: int


DataFinder = Callable[[str], Awaitable[DataFile | None]]
FolderFinder = Callable[[str], Awaitable[BaseFolder]]
ModelFinder = Callable[[ModelSpec], Awaitable[HubModel]]


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
    find_model: ModelFinder  # of the hub; raises InputError, or UnavailableError where it is away
    machines: frozenset[tuple[str, str]] | None = (
        None  # (sku, priority); None: whatever has a price
    )
    announce: Thread | None = None  # hears of runs whose owner has no conversation
    sign_in_url: str = ""  # where somebody unknown becomes known; empty: in the people file
