"""The local profile: one machine, no sign-in, loopback only."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.directory import ListedDirectory
from bot.adapters.hub import Hub
from bot.adapters.local.data_files import LocalDataFiles
from bot.adapters.local.jobs import LocalJobs, has_gpus
from bot.adapters.local.pipelines import LocalPipelines, Source
from bot.adapters.local.registry import LocalRegistry
from bot.adapters.local.tracking import LocalTracking
from bot.chat.words import LOCAL_NOTICE
from bot.profiles.parts import Base, Parts
from bot.teams.authentication import LoopbackOnly
from bot.web.sign_in.composition import Around, sign_in_of


@asynccontextmanager
async def local_parts(base: Base) -> AsyncIterator[Parts]:
    """Yield the parts; nothing of them outlives the context but the jobs."""
    settings, home = base.settings, base.home
    files = LocalDataFiles(base.files.policy.data_roots, Path.cwd())
    directory = ListedDirectory(base.files.people)
    registry = LocalRegistry(home, settings.public_url)
    yield Parts(
        pipelines=LocalPipelines(home, Source.of(settings.pipeline_file)),
        jobs=LocalJobs(
            home, slots=settings.slots, has_gpus=has_gpus(), grace_s=settings.stop_grace_s
        ),
        tracking=LocalTracking(home),
        registry=registry,
        served=registry.address,
        directory=directory,
        find_data=files.find,
        find_folder=files.find_folder,
        find_model=Hub(home / "cache" / "hub", os.environ).find,
        keeper=LoopbackOnly(settings.host),
        tenants=frozenset(person.tenant for person in base.files.people),
        door=sign_in_of(settings, Around(directory, base.store, base.clock)),
        notice=LOCAL_NOTICE,
    )
