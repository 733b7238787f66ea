"""Show the whole product on one machine: bot, Playground and one sample run."""

import argparse
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

from bot.domain.people import Person
from bot.errors import BotError, SetupError
from bot.playground import (
    DEFAULT_PORT,
    playground_command,
    playground_config,
    playground_environment,
)
from bot.settings import Settings, load_people, load_settings

QUESTION = "train tiny-sft"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RUN_ID = re.compile(r"\brun-\d{8}-[a-z2-7]{6}\b")

START_S = 90  # a new MLflow store migrates on first use: about 6 s, more on a busy machine
STOP_S = 45  # a job may take 30 s to save (KRSP_STOP_GRACE_S), the bot a moment to send


@dataclass(frozen=True)
class Place:
    """Where the demo's two servers listen and write."""

    home: Path
    host: str
    bot_port: int
    playground_port: int
    public_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of the bot, and of those who speak to it."""
        return {
            "KRSP_HOME": str(self.home),
            "KRSP_HOST": self.host,
            "KRSP_PORT": str(self.bot_port),
            "KRSP_PUBLIC_URL": self.public_url,
        }

    @property
    def bot_url(self) -> str:
        return f"http://{self.host}:{self.bot_port}"

    @property
    def playground_url(self) -> str:
        return f"http://127.0.0.1:{self.playground_port}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo. With `--once` return 0 only if the run succeeded."""
    parser = argparse.ArgumentParser(prog="python -m bot demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the run has ended")
    options = parser.parse_args(argv)
    for number in ENDING:
        signal.signal(number, _interrupt)
    try:
        settings = load_settings(os.environ)
        return _show(_place(settings), load_people(settings.people_file), once=options.once)
    except BotError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = "" if options.once else " Training that was under way goes on in the background."
        print(f"\nEnded.{kept}")
        return 130


def _show(place: Place, people: Sequence[Person], *, once: bool) -> int:
    refuse_occupied(place.host, place.bot_port, "KRSP_PORT")
    refuse_occupied("127.0.0.1", place.playground_port, "KRSP_PLAYGROUND_PORT")
    place.home.mkdir(parents=True, exist_ok=True)
    with serve_bot(place) as bot, serve_playground(place, people) as playground:
        print(f"Bot and pages  {place.bot_url}   (log: {place.home / 'bot.log'})")
        print(f"Playground     {place.playground_url}   (log: {place.home / 'playground.log'})")
        print(f"\n> {QUESTION}\n", flush=True)
        status = _ask(place, once=once)
        if once:
            return status
        print("\nServing. Speak to the bot in the Playground. Ctrl-C ends.", flush=True)
        return _wait_for_any({"bot": bot, "Playground": playground})


@contextlib.contextmanager
def serve_bot(place: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the bot for as long as the context lasts; it answers when the context begins."""
    command, log = [sys.executable, "-m", "bot", "serve"], place.home / "bot.log"
    with _child(command, log=log, extra=place.environment) as process:
        _wait_until_answers(f"{place.bot_url}/readyz", process, log)
        yield process


@contextlib.contextmanager
def serve_playground(place: Place, people: Sequence[Person]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the Playground likewise, with `people` in it."""
    config, log = place.home / "playground.yml", place.home / "playground.log"
    config.write_text(playground_config(people), encoding="utf-8")
    command = playground_command(place.bot_url, place.playground_port)
    with _child(command, log=log, extra=playground_environment(config, log)) as process:
        _wait_until_answers(place.playground_url, process, log)
        yield process


def refuse_occupied(host: str, port: int, setting: str) -> None:
    """Raise `SetupError`, naming the owner, if something listens on `port` already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                f"Port {port} is taken by {_owner(port)}. End it, or choose another port: "
                f"{setting}=<port> make demo."
            ) from error


def _place(settings: Settings) -> Place:
    return Place(
        home=settings.home,
        host=settings.host,
        bot_port=settings.port,
        playground_port=_playground_port(os.environ),
        public_url=settings.public_url,
    )


def _playground_port(environment: Mapping[str, str]) -> int:
    given = environment.get("KRSP_PLAYGROUND_PORT") or str(DEFAULT_PORT)
    if not given.isdecimal() or not 0 < int(given) < 65_536:
        raise SetupError(f"KRSP_PLAYGROUND_PORT is '{given}'; it must be a port, 1 to 65535.")
    return int(given)


@contextlib.contextmanager
def _child(
    command: list[str], *, log: Path, extra: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `command` for as long as the context lasts, its output going to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **extra},
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends them in order
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """End the child and what it started in its own process group, kindly at first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(STOP_S)
            return


def _ask(place: Place, *, once: bool) -> int:
    """Ask for the sample run as a person would, pass its cards on, and return ask's exit code.

    With `once` a run that has not ended when the demo must is cancelled.
    """
    run_id = None
    with _console(place, QUESTION, "--start", "--wait") as process:
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                found = RUN_ID.search(line)
                run_id = found.group() if found else run_id
            status = process.wait()
        except KeyboardInterrupt:
            if once and run_id:
                _cancel(place, run_id)
            raise
    if run_id:
        print(f"\nRun page: {place.public_url}/runs/{run_id}", flush=True)
    if status:
        print(f"The sample run did not succeed (see {place.home / 'bot.log'}).", file=sys.stderr)
    return status


def _cancel(place: Place, run_id: str) -> None:
    print(f"\nCancelling {run_id}.", flush=True)
    with _console(place, f"cancel {run_id}", "--wait", "--timeout", str(STOP_S)) as process:
        process.communicate()


@contextlib.contextmanager
def _console(place: Place, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "ask", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **place.environment},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _wait_until_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: no proxy
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SetupError(f"{url} did not come up; the last lines of {log}:\n{_tail(log)}")
        with contextlib.suppress(urllib.error.URLError, OSError), opener.open(url, timeout=5):
            return
        time.sleep(0.2)
    raise SetupError(f"{url} does not answer after {START_S} s; see {log}:\n{_tail(log)}")


def _wait_for_any(processes: "dict[str, subprocess.Popen[bytes]]") -> int:
    """Return when one of the servers ends, which none should do by itself."""
    while True:
        for name, process in processes.items():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
                print(f"demo: the {name} ended by itself, code {process.returncode}.")
                return 1


def _owner(port: int) -> str:
    """Name the process that listens on `port`, as far as this account may see it."""
    for connection in psutil.net_connections(kind="tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        if listens and connection.pid:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({' '.join(process.cmdline())[:120]})"
    return "a process of another account"


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End in order; a second Ctrl-C does not interrupt the ending."""
    for number in ENDING:
        signal.signal(number, _ignore)
    raise KeyboardInterrupt


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. SIG_IGN would be inherited by the children, who then could not be ended."""
