"""The composition root: settings -> adapters -> core -> routes; starts and stops the loops."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.adapters.bell import LocalBell, PostgresBell
from bot.adapters.home_lock import HomeLock
from bot.adapters.sampler import OptunaSampler
from bot.adapters.sql import Password, SqlStore, check_version, leader_of, migrate, wires_of
from bot.cards import render
from bot.cards.card import Links
from bot.cards.shared import shared_card
from bot.cards.text import as_text
from bot.chat.conversation import Chat
from bot.chat.sharing import Sharing
from bot.domain.message import MessageState
from bot.domain.plan import Tempo
from bot.errors import BotError, SetupError
from bot.housekeeping import Housekeeping
from bot.profiles import Base, Files, Parts, backends_of, parts_of, password_of
from bot.reconciler import Reconciler
from bot.scheduling import Scheduler
from bot.service import Service, World
from bot.settings import Settings, load_people, load_policy, load_settings
from bot.teams.channel import TeamsChannel
from bot.teams.extension import Extension
from bot.teams.gateway import Gateway
from bot.teams.outbox import Outbox
from bot.teams.posting import Draw
from bot.teams.surroundings import Surroundings
from bot.teams.turns import Turns
from bot.web.endpoint import Web
from bot.web.routes import add_routes
from bot.web.telemetry import Reading, Telemetry

log = logging.getLogger(__name__)

OPEN = (MessageState.PENDING, MessageState.SENDING, MessageState.UNKNOWN, MessageState.DEAD)
OWN_TOPICS = frozenset({"wake", "outbox"})  # what our own loops listen for
MOST_BYTES = 256 * 1024  # of a request; cards and forms are far smaller
CLIENT = Path(__file__).parent.parent / "client" / "dist"


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
        asyncio.run(migrate(settings.store_url, password_of(settings)))
    except BotError as error:
        print(f"bot: {error}", file=sys.stderr)  # noqa: T201 - the command line speaks to a person
        return 1
    print(f"The store in {settings.home} is at this version.")  # noqa: T201 - as above
    return 0


async def serve(settings: Settings, files: Files) -> None:
    """Serve chat, pages and the loop in one process."""
    # The port comes first: where another bot has it, nothing of this one has begun.
    with contextlib.closing(_bound(settings)) as door:
        await _prepare_store(settings)
        async with running(settings, files) as app:
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
            await runner.setup()
            try:
                await web.SockSite(runner, door).start()
                log.info("serving %s from %s", settings.public_url, settings.home)
                await _stop_signal()
                log.info("stopping")
            finally:
                await runner.cleanup()


async def _prepare_store(settings: Settings) -> None:
    """Create a store that is not there yet; one of another version is for `migrate`."""
    url, password = settings.store_url, password_of(settings)
    is_new = not settings.database_url and not (settings.home / "krsp.db").exists()
    await (migrate(url, password) if is_new else check_version(url, password))


@contextlib.asynccontextmanager
async def running(settings: Settings, files: Files) -> AsyncIterator[web.Application]:
    """Build everything, start the loops, and end them in order on the way out."""
    async with AsyncExitStack() as stack:
        password = password_of(settings)
        store = await SqlStore.open(settings.store_url, password)
        stack.push_async_callback(store.close)
        local = LocalBell(prompt=OWN_TOPICS)
        bell = _shared_bell(settings.store_url, password, local)
        base = Base(settings, files, store, bell or local)
        parts = await stack.enter_async_context(parts_of(base))
        service = await _service(base, parts)
        app = web.Application(client_max_size=MOST_BYTES)
        channel = TeamsChannel(_draw(base), base.clock, tokens=parts.tokens)
        stack.push_async_callback(channel.close)
        around = Surroundings(
            store=store, channel=channel, clock=base.clock, bell=base.bell, draw=_draw(base)
        )
        chat = Chat(service, store, base.bell, base.clock)
        app.add_routes(_gateway(base, parts, (chat, Sharing(service)), around).routes())
        app.add_routes(parts.hooks)
        duties = Duties(base, parts, service, around)
        add_routes(app, _web(base, parts, service, duties.readings()))
        leader = leader_of(settings.store_url, password)
        loops = [leader.run(duties.run), *([bell.run()] if bell else [])]
        await stack.enter_async_context(_tasks(loops))
        yield app


def _shared_bell(url: str, password: Password | None, local: LocalBell) -> PostgresBell | None:
    """Return the bell that other replicas hear too; None where there is only this process."""
    if not url.startswith("postgresql"):
        return None
    return PostgresBell(wires_of(url, password), local)


class Duties:
    """What one replica alone does: reconcile, send, keep schedules and the house."""

    def __init__(self, base: Base, parts: Parts, service: Service, around: Surroundings) -> None:
        tempo = Tempo(quiet=timedelta(seconds=base.settings.card_every_s))
        self._base, self._around = base, around
        self._reconciler = Reconciler(
            backends_of(base, parts), base.files.policy, tempo, base.settings.sweep_s
        )
        self._scheduler = Scheduler(service.schedules, base.clock)
        self._housekeeping = Housekeeping(
            base.store, base.clock, base.bell, looks=parts.looks, announce=service.announce
        )

    async def run(self) -> None:
        """Do all of it until cancelled; one that ends by itself is a bug and ends the rest."""
        loops = (self._reconciler, Outbox(self._around), self._scheduler, self._housekeeping)
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run())

    def readings(self) -> list[Reading]:
        """Return what /metrics tells of them."""
        return [_loop_reading(self._reconciler), _outbox_reading(self._base.store)]


async def _service(base: Base, parts: Parts) -> Service:
    named = base.settings.announce_thread
    return Service(
        World(
            store=base.store,
            tracking=parts.tracking,
            pipelines=parts.pipelines,
            clock=base.clock,
            bell=base.bell,
            policy=base.files.policy,
            directory=parts.directory,
            jobs=parts.jobs,
            schedules=base.store.schedules,
            promotions=base.store.promotions,
            sweeps=base.store.sweeps,
            sampler=OptunaSampler(),
            registry=parts.registry,
            is_local=base.settings.profile == "local",
            find_data=parts.find_data,
            find_folder=parts.find_folder,
            find_model=parts.find_model,
            machines=parts.machines,
            announce=await base.store.thread(named) if named else None,
            sign_in_url=parts.sign_in_url,
        )
    )


def _draw(base: Base) -> Draw:
    links = Links(base.settings.public_url)
    return Draw(card=lambda post: render(post, links), text=lambda post: as_text(post, links))


def _gateway(
    base: Base, parts: Parts, doors: tuple[Chat, Sharing], around: Surroundings
) -> Gateway:
    chat, sharing = doors
    links = Links(base.settings.public_url)
    shares = Extension(sharing, lambda run: shared_card(run, links), links.run_at)
    turns = Turns(chat, around, keeps_card=base.settings.profile == "local", shares=shares)
    return Gateway(parts.keeper, parts.tenants, turns)


def _web(base: Base, parts: Parts, service: Service, readings: list[Reading]) -> Web:
    return Web(
        service=service,
        bell=base.bell,
        now=base.clock.now,
        door=parts.door,
        dist=CLIENT,
        public_url=base.settings.public_url,
        profile=base.settings.profile,
        notice=parts.notice,
        telemetry=Telemetry(readings),
        grants=parts.grants,
        served=parts.served,
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


def _bound(settings: Settings) -> socket.socket:
    """Return the socket to listen on, bound. Raises `SetupError` where the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((settings.host, settings.port))
    except OSError as error:
        found.close()
        raise SetupError(
            f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}). End who "
            "has it, or set KRSP_PORT to another."
        ) from error
    return found


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
    for name in ("alembic", "azure", "msal"):  # they tell of each look, each request, each token
        logging.getLogger(name).setLevel(logging.WARNING)
