"""The parts that differ between the profiles, and what all of them are built on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot.adapters.clock import SystemClock
from bot.adapters.sql import SqlStore
from bot.domain.people import Person
from bot.domain.policy import Policy
from bot.housekeeping import Look
from bot.ports import Bell, Jobs, Pipelines, Registry, Tracking
from bot.ports.directory import Directory
from bot.reconciler import Backends
from bot.service import DataFinder, FolderFinder, ModelFinder
from bot.service.grants import Grants
from bot.settings import Settings
from bot.teams.authentication import Doorkeeper
from bot.teams.tokens import AppTokens
from bot.web.sign_in.identity import Door


@dataclass(frozen=True)
class Files:
    """What the settings' files say."""

    policy: Policy
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Base:
    """What every part is built on."""

    settings: Settings
    files: Files
    store: SqlStore
    bell: Bell
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def home(self) -> Path:
        return self.settings.home.resolve()


@dataclass(frozen=True)
class Parts:
    """One profile. `keeper` and `tokens` are chat's door in and out, `door` the pages'.

    `hooks` are routes for events, `looks` what to see to once an hour; `sign_in_url` is where
    somebody unknown becomes known. `served` says where a local endpoint's server listens.
    """

    pipelines: Pipelines
    jobs: Jobs
    tracking: Tracking
    registry: Registry
    directory: Directory
    find_data: DataFinder
    find_folder: FolderFinder
    find_model: ModelFinder
    keeper: Doorkeeper
    tenants: frozenset[str]
    door: Door
    served: Callable[[str], str | None] | None = None
    tokens: AppTokens | None = None
    grants: Grants | None = None
    hooks: Sequence[web.RouteDef] = ()
    machines: frozenset[tuple[str, str]] | None = None
    looks: Sequence[Look] = ()
    notice: str = ""
    sign_in_url: str = ""


def backends_of(base: Base, parts: Parts) -> Backends:
    """Return what the loop looks at."""
    return Backends(
        pipelines=parts.pipelines,
        jobs=parts.jobs,
        tracking=parts.tracking,
        registry=parts.registry,
        store=base.store,
        promotions=base.store.promotions,
        sweeps=base.store.sweeps,
        clock=base.clock,
        bell=base.bell,
    )
