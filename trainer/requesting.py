"""`python -m trainer request`: ask the bot for the runs that files describe, once each."""

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cronsim import CronSim, CronSimError
from pydantic import ValidationError

from trainer.contract.faults import Fault, SpecError, faults_of
from trainer.contract.order import PATH, Order, OrderAnswer, RunFile, read_run_file
from trainer.errors import TrainerError

# A slot that was missed is asked for as long as this: the cron of a pipeline is not punctual.
LATE = timedelta(hours=2)
REFUSED, AWAY = 2, 69
Why = Literal["commit", "schedule", "manual"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", help="run files, or the folder that holds them")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--changed", action="store_true", help="those that the commit changed")
    which.add_argument("--due", action="store_true", help="those whose schedule is due")
    which.add_argument("--check", action="store_true", help="only say what is wrong with them")


def main(options: argparse.Namespace) -> int:
    """Ask; return 0 when each was taken, 2 when one was refused, 69 when the bot is away."""
    env = os.environ
    try:
        files = [path for given in options.paths for path in _files(Path(given))]
        files = _changed(files) if options.changed else files
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    if not files:
        sys.stdout.write("No run file is asked for.\n")
    codes = [_one(path, options, env) for path in files]
    return max(codes, default=0)


def _files(given: Path) -> Iterator[Path]:
    if given.is_dir():
        yield from sorted(given.glob("*.yaml"))
    elif given.is_file():
        yield given
    else:
        raise SpecError((Fault("", f"There is no run file {given}."),))


def _changed(files: Sequence[Path]) -> list[Path]:
    """Return the files that the newest commit changed, seen from its first parent."""
    done = subprocess.run(
        ["git", "diff", "--name-only", "-z", "--diff-filter=AMR", "HEAD^1", "HEAD"],  # noqa: S607
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        why = done.stderr.strip().split("\n", 1)[0]
        raise SpecError((Fault("", f"git cannot say what the commit changed: {why}"),))
    names = {Path(name) for name in done.stdout.split("\0") if name}
    return [path for path in files if path in names]


def _one(path: Path, options: argparse.Namespace, env: Mapping[str, str]) -> int:
    try:
        found = read_run_file(path)
        if options.check:
            sys.stdout.write(f"{path}: good.\n")
            return 0
        order = _order(path, found, options, env)
        if order is None:
            return 0
        answer = _ask(order, env)
    except SpecError as error:
        sys.stderr.write("".join(f"{path}: {fault}\n" for fault in error.faults))
        return REFUSED
    except TrainerError as error:
        sys.stderr.write(f"{path}: {error.message} {error.remedy}\n")
        return error.exit_code
    sys.stdout.write(f"{path}: {answer.message} {answer.url}\n")
    return 0


def _order(
    path: Path, found: RunFile, options: argparse.Namespace, env: Mapping[str, str]
) -> Order | None:
    """Return what to ask for; None for a file that is not due."""
    why: Why = "commit" if options.changed else "schedule" if options.due else "manual"
    slot, commit = "", env.get("BUILD_SOURCEVERSION", "")
    if why == "schedule":
        due = due_slot(found.schedule, datetime.now(UTC)) if found.schedule else None
        if due is None:
            return None
        slot = f"{due:%Y%m%dT%H%MZ}"
    which = {"commit": commit, "schedule": slot, "manual": env.get("BUILD_BUILDID", "")}[why]
    place = path.as_posix()
    try:
        return Order(
            kind=why,
            key=f"{why}:{which or _today()}:{place}",
            path=place,
            commit=commit,
            slot=slot,
            owner=found.owner,
            recipe=found.recipe,
            changes=found.changes,
            schedule=found.schedule,
            asked_by=env.get("BUILD_REQUESTEDFOR", ""),
        )
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error


def _today() -> str:
    """Return what stands for a commit or build where there is none: the day."""
    return f"{datetime.now(UTC):%Y%m%d}"


def due_slot(cron: str, now: datetime) -> datetime | None:
    """Return the newest slot that is due; one that is too late is passed over."""
    try:
        slots = CronSim(cron, now - LATE)
    except CronSimError as error:
        raise SpecError((Fault("schedule", f"{cron!r} is no cron expression: {error}"),)) from error
    due = None
    for slot in slots:
        if slot > now:
            break
        due = slot
    return due


def _ask(order: Order, env: Mapping[str, str]) -> OrderAnswer:
    bot = importlib.import_module("trainer.azureml.bot")
    errors = importlib.import_module("trainer.azureml.errors")
    answer: Any = bot.ask_bot(PATH, order, **_door(env))
    if answer.status_code in bot.PASSING:
        raise errors.AwayError(
            f"The bot answered {answer.status_code}.", remedy="Run this again later."
        )
    if answer.status_code not in (200, 201):
        raise errors.RefusedError(
            f"The bot does not take it: {bot.said(answer)}",
            remedy="Mend what it names, and commit again.",
        )
    return OrderAnswer.model_validate_json(answer.text())


def _door(env: Mapping[str, str]) -> dict[str, Any]:
    """Return where the bot is, and who we are to it."""
    url = env.get("KRSP_BOT_URL", "").strip()
    if not url:
        raise SpecError((Fault("", "KRSP_BOT_URL is not set: nobody knows where the bot is."),))
    app_id = env.get("KRSP_BOT_APP_ID", "").strip()
    if not app_id:
        return {"bot_url": url}
    credential = importlib.import_module("trainer.azureml.credential").credential_of(env)
    return {"bot_url": url, "app_id": app_id, "credential": credential}
