"""`python -m bot doctor` and `hooks`: what an administrator runs against an installation."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from bot.adapters.azure.devops import DevOps
from bot.adapters.azure.doctor import Doctor
from bot.adapters.azure.findings import Finding, examined, has_fault, ok
from bot.adapters.azure.hooks import Hooks, Standing
from bot.adapters.sql import check_version
from bot.errors import BotError, SetupError
from bot.profiles import password_of
from bot.settings import Settings, load_clusters, load_settings

Work = Callable[[Settings], Coroutine[None, None, int]]


def doctor_main(argv: Sequence[str]) -> int:
    """Look at all that an installation in Azure needs; change nothing. Exit 1 if it can't work."""
    parser = argparse.ArgumentParser(prog="python -m bot doctor", description=doctor_main.__doc__)
    parser.parse_args(argv)
    return _run(_doctor)


def hooks_main(argv: Sequence[str]) -> int:
    """Show the service hooks that wake the bot, or create and repair them. Exit 1 if not good."""
    parser = argparse.ArgumentParser(prog="python -m bot hooks", description=hooks_main.__doc__)
    parser.add_argument("what", choices=("show", "ensure"), help="`ensure` may be repeated")
    return _run(_ensure if parser.parse_args(argv).what == "ensure" else _show)


def _run(work: Work) -> int:
    # What an SDK logs is told as a finding or an error, in words.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    try:
        settings = load_settings(os.environ)
        if settings.profile != "azure":
            raise SetupError("This is for KRSP_PROFILE=azure; the local profile needs none of it.")
        return asyncio.run(work(settings))
    except BotError as error:
        sys.stderr.write(f"bot: {error}\n")
        return 1


async def _doctor(settings: Settings) -> int:
    findings: list[Finding] = [ok("Settings", "All that the azure profile needs is set.")]
    doctor = Doctor(settings, load_clusters(settings.clusters_file))
    try:
        findings += await doctor.examine()
    finally:
        doctor.close()
    findings += await examined("Store", lambda: _store(settings))
    for finding in findings:
        sys.stdout.write(f"{finding.line()}\n")
    return 1 if has_fault(findings) else 0


async def _store(settings: Settings) -> Sequence[Finding]:
    """Look whether the store answers and is this version's; a PostgreSQL takes a token."""
    await check_version(settings.store_url, password_of(settings))
    return [ok("Store", "It answers and is this version's.")]


async def _show(settings: Settings) -> int:
    return await _hooks(settings, Hooks.show)


async def _ensure(settings: Settings) -> int:
    return await _hooks(settings, Hooks.ensure)


async def _hooks(settings: Settings, work: Callable[[Hooks], Awaitable[Standing]]) -> int:
    devops = DevOps.of(settings)
    try:
        found = await work(Hooks(devops, settings))
    finally:
        devops.close()
    sys.stdout.write("".join(f"{line}\n" for line in found.sentences()))
    return 0 if found.is_good else 1
