"""The composition root: settings -> adapters -> core -> routes; starts and stops the loops."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.adapters.bell import LocalBell
from bot.adapters.clock import SystemClock
from bot.adapters.directory import ListedDirectory
from bot.adapters.home_lock import HomeLock
from bot.adapters.local.data_files import LocalDataFiles
from bot.adapters.local.jobs import LocalJobs, has_gpus
from bot.adapters.local.pipelines import LocalPipelines, Source
from bot.adapters.local.registry import LocalRegistry
from bot.adapters.local.tracking import LocalTracking
from bot.adapters.sql import SqlStore, check_version, migrate
from bot.cards import render
from bot.cards.card import Links
from bot.cards.shared import shared_card
from bot.cards.text import as_text
from bot.chat.conversation import Chat
from bot.chat.sharing import Sharing
from bot.chat.words import LOCAL_NOTICE
from bot.domain.message import MessageState
from bot.domain.people import Person
from bot.domain.plan import Tempo
from bot.domain.policy import Policy
from bot.errors import BotError, SetupError
from bot.ports.directory import Directory
from bot.reconciler import Backends, Reconciler
from bot.service import Service, World
from bot.settings import Settings, load_people, load_policy, load_settings
from bot.teams.authentication import LoopbackOnly
from bot.teams.channel import TeamsChannel
from bot.teams.extension import Extension
from bot.teams.gateway import Gateway
from bot.teams.outbox import Outbox
from bot.teams.posting import Draw
from bot.teams.surroundings import Surroundings
from bot.teams.turns import Turns
from bot.web.endpoint import Web
from bot.web.routes import add_routes
from bot.web.sign_in.composition import Around, sign_in_of
from bot.web.telemetry import Reading, Telemetry

log = logging.getLogger(__name__)

CLAIMS_KEPT = timedelta(days=7)  # far longer than any channel delivers a message again
CLAIMS_CHECK_S = 3600.0
OPEN = (MessageState.PENDING, MessageState.SENDING, MessageState.UNKNOWN, MessageState.DEAD)
OWN_TOPICS = frozenset({"wake", "outbox"})  # what our own loops listen for
MOST_BYTES = 256 * 1024  # of a request; cards and forms are far smaller
CLIENT = Path(__file__).parent.parent / "client" / "dist"


@dataclass(frozen=True)
class Files:
    """What the settings' files say."""

    policy: Policy
    people: tuple[Person, ...]


def serve_main(argv: Sequence[str]) -> int:
    """Run `python -m bot serve` until it is told to stop; a refusal is a sentence and exit 1."""
    argparse.ArgumentParser(prog="python -m bot serve", description=serve.__doc__).parse_args(argv)
    try:
        settings = load_settings(os.environ)
        files = Files(load_policy(settings.policy_file), load_people(settings.people_file))
        _set_up_logging(settings.log_level)
        with HomeLock(settings.home):
            asyncio.run(serve(settings, files))
    except BotError as error:
        print(f"bot: {error}", file=sys.stderr)  # noqa: T201 - the command line speaks to a person
        return 1
    return 0


def migrate_main(argv: Sequence[str]) -> int:
    """Run `python -m bot migrate`: bring the store to this version; repeating it is harmless."""
    parser = argparse.ArgumentParser(prog="python -m bot migrate", description=migrate_main.__doc__)
    parser.parse_args(argv)
    try:
        settings = load_settings(os.environ)
        settings.home.mkdir(parents=True, exist_ok=True)
        asyncio.run(migrate(settings.store_url))
    except BotError as error:
        print(f"bot: {error}", file=sys.stderr)  # noqa: T201 - the command line speaks to a person
        return 1
    print(f"The store in {settings.home} is at this version.")  # noqa: T201 - as above
    return 0


async def serve(settings: Settings, files: Files) -> None:
    """Serve chat, pages and the loop in one process."""
    await _prepare_store(settings)
    async with running(settings, files) as app:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
        await runner.setup()
        try:
            await _listen(runner, settings)
            log.info("serving %s from %s", settings.public_url, settings.home)
            await _stop_signal()
            log.info("stopping")
        finally:
            await runner.cleanup()


async def _prepare_store(settings: Settings) -> None:
    """Create a store that is not there yet; one of another version is for `migrate`."""
    url = settings.store_url
    is_new = not settings.database_url and not (settings.home / "krsp.db").exists()
    await (migrate(url) if is_new else check_version(url))


@contextlib.asynccontextmanager
async def running(settings: Settings, files: Files) -> AsyncIterator[web.Application]:
    """Build everything, start the loops, and end them in order on the way out."""
    base = Base(settings, files, await SqlStore.open(settings.store_url))
    backends = _backends(base)
    service = _service(base, backends)
    tempo = Tempo(quiet=timedelta(seconds=settings.card_every_s))
    reconciler = Reconciler(backends, files.policy, tempo, settings.sweep_s)
    channel = TeamsChannel(_draw(base), base.clock)
    around = Surroundings(
        store=base.store, channel=channel, clock=base.clock, bell=base.bell, draw=_draw(base)
    )
    app = web.Application(client_max_size=MOST_BYTES)
    chat = Chat(service, base.store, base.bell, base.clock)
    app.add_routes(_gateway(base, chat, Sharing(service), around).routes())
    add_routes(app, _web(base, service, reconciler))
    loops = (reconciler.run(), Outbox(around).run(), _forget_claims(base.store, base.clock))
    try:
        async with _tasks(loops):
            yield app
    finally:
        await channel.close()
        await base.store.close()


@dataclass(frozen=True)
class Base:
    """What every part is built on."""

    settings: Settings
    files: Files
    store: SqlStore
    clock: SystemClock = field(default_factory=SystemClock)
    bell: LocalBell = field(default_factory=lambda: LocalBell(prompt=OWN_TOPICS))

    @property
    def home(self) -> Path:
        return self.settings.home.resolve()

    @cached_property
    def registry(self) -> LocalRegistry:
        return LocalRegistry(self.home, self.settings.public_url)

    @property
    def directory(self) -> Directory:
        return ListedDirectory(self.files.people)


def _backends(base: Base) -> Backends:
    settings = base.settings
    return Backends(
        pipelines=LocalPipelines(base.home, Source.of(settings.pipeline_file)),
        jobs=LocalJobs(
            base.home,
            slots=settings.slots,
            has_gpus=has_gpus(),
            grace_s=settings.stop_grace_s,
        ),
        tracking=LocalTracking(base.home),
        registry=base.registry,
        store=base.store,
        promotions=base.store.promotions,
        clock=base.clock,
        bell=base.bell,
    )


def _service(base: Base, backends: Backends) -> Service:
    files = LocalDataFiles(base.files.policy.data_roots, Path.cwd())
    return Service(
        World(
            store=base.store,
            tracking=backends.tracking,
            pipelines=backends.pipelines,
            clock=base.clock,
            bell=base.bell,
            policy=base.files.policy,
            directory=base.directory,
            jobs=backends.jobs,
            schedules=base.store.schedules,
            promotions=base.store.promotions,
            registry=backends.registry,
            is_local=base.settings.profile == "local",
            find_data=files.find,
            find_folder=files.find_folder,
        )
    )


def _draw(base: Base) -> Draw:
    links = Links(base.settings.public_url)
    return Draw(card=lambda post: render(post, links), text=lambda post: as_text(post, links))


def _gateway(base: Base, chat: Chat, sharing: Sharing, around: Surroundings) -> Gateway:
    tenants = frozenset(person.tenant for person in base.files.people)
    links = Links(base.settings.public_url)
    shares = Extension(sharing, lambda run: shared_card(run, links), links.run_at)
    turns = Turns(chat, around, keeps_card=base.settings.profile == "local", shares=shares)
    return Gateway(LoopbackOnly(base.settings.host), tenants, turns)


def _web(base: Base, service: Service, reconciler: Reconciler) -> Web:
    return Web(
        service=service,
        bell=base.bell,
        now=base.clock.now,
        door=sign_in_of(base.settings, Around(base.directory, base.store, base.clock)),
        dist=CLIENT,
        public_url=base.settings.public_url,
        profile=base.settings.profile,
        notice=LOCAL_NOTICE if base.settings.profile == "local" else "",
        telemetry=Telemetry([_loop_reading(reconciler), _outbox_reading(base.store)]),
    )


def _loop_reading(reconciler: Reconciler) -> Reading:
    async def read() -> dict[str, float]:
        return {"sweeps": reconciler.sweeps, "troubles": len(reconciler.troubles)}

    return Reading("reconciler", "Sweeps so far, and troubles that last.", "what", read)


def _outbox_reading(store: SqlStore) -> Reading:
    async def read() -> dict[str, float]:
        counts = dict.fromkeys((state.value for state in OPEN), 0.0)
        for message in await store.messages(states=OPEN):
            counts[message.state.value] += 1
        return counts

    return Reading("outbox_messages", "Messages that have not surely arrived.", "state", read)


@contextlib.asynccontextmanager
async def _tasks(loops: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run the loops beside the body; a loop that ends by itself is a bug and ends the body."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    owner = asyncio.current_task()
    for task in tasks:
        task.add_done_callback(lambda done: _end_with(done, owner))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end_with(task: "asyncio.Task[None]", owner: "asyncio.Task[Any] | None") -> None:
    if task.cancelled() or owner is None:
        return
    log.error("a loop ended by itself; the bot stops", exc_info=task.exception())
    owner.cancel()


async def _forget_claims(store: SqlStore, clock: SystemClock) -> None:
    """Drop what was handled so long ago that no channel delivers it again."""
    while True:
        with contextlib.suppress(BotError):  # a full disk says so elsewhere; later is early enough
            await store.forget_claims(clock.now() - CLAIMS_KEPT)
        await clock.sleep(CLAIMS_CHECK_S)


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port, reuse_address=True).start()
    except OSError as error:
        raise SetupError(
            f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}). End who "
            "has it, or set KRSP_PORT to another."
        ) from error


async def _stop_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _set_up_logging(level: str) -> None:
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # says at each look what it is
