"""Keeps the server of one local deployment running: `python -m trainer.serving.keeper FOLDER`.

It detaches, starts `transformers serve`, looks after its health, starts it again when it died,
and ends with it when `deployment.json` is gone or somebody asks it to.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

import psutil
from pydantic import ValidationError

from trainer.checkpoint import write_whole
from trainer.contract.promotion import DeploymentFile, ServerFile
from trainer.serving.processes import LOCK, PID, end_process, locked

TURN_S = 0.2
HEALTH_S = 5.0
HEALTH_TIMEOUT_S = 4.0
PATIENCE = 6  # unanswered questions for health before the server is started again
START_S = 300.0  # until a large model is loaded
LONGEST_PAUSE_S = 30.0
MOST_LOG_BYTES = 20 << 20
SERVE = ("-m", "transformers.cli.transformers", "serve")
QUIET = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}


def main(arguments: list[str]) -> int:
    """Detach and keep the deployment in the folder that is named, if nobody else does."""
    folder = Path(arguments[0])
    with locked(folder / LOCK, wait_s=2) as is_mine:
        if not is_mine or os.fork():  # the lock stays with the child
            return 0
        os.setsid()
        write_whole(folder / PID, str(os.getpid()))
        Keeper(folder).run()
    return 0


class Keeper:
    """One deployment's server, from start to start."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stop = folder, False
        self._server: subprocess.Popen[bytes] | None = None
        self._said = read_server(folder)

    def run(self) -> None:
        """Serve until it is not wanted any more."""
        signal.signal(signal.SIGTERM, self._on_signal)
        if self._said is not None:  # a keeper that was killed left its server
            end_process(self._said.pid, self._said.born)
        restarts, pause_s = 0, 1.0
        while self._is_wanted():
            began = time.monotonic()
            self._serve(restarts)
            restarts += 1
            pause_s = 1.0 if time.monotonic() - began > START_S else min(2 * pause_s, 30.0)
            self._rest(min(pause_s, LONGEST_PAUSE_S))

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _is_wanted(self) -> bool:
        return not self._stop and (self._folder / "deployment.json").exists()

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._is_wanted() and time.monotonic() < until:
            time.sleep(TURN_S)

    def _serve(self, restarts: int) -> None:
        deployment = read_deployment(self._folder)
        if deployment is None:
            return
        port = self._port()
        server = self._start(deployment, port)
        said = ServerFile(
            state="starting" if restarts == 0 else "unhealthy",
            port=port,
            pid=server.pid,
            born=psutil.Process(server.pid).create_time(),
            restarts=restarts,
            fault="" if restarts == 0 else "It is being started again.",
        )
        self._say(said)
        try:
            fault = self._watch(server, said)
        finally:
            end_process(server.pid, said.born)
            server.wait()
        if fault and self._is_wanted():
            self._say(said.model_copy(update={"state": "failed", "fault": fault}))

    def _watch(self, server: "subprocess.Popen[bytes]", said: ServerFile) -> str:
        """Return why the server is to be started again; empty when it is not wanted any more."""
        began, pulse = time.monotonic(), Pulse(said.port)
        while self._is_wanted():
            if server.poll() is not None:
                return f"The server ended with code {server.returncode}. {self._last_words()}"
            if pulse.turns_ready(time.monotonic()):
                self._say(said.model_copy(update={"state": "ready", "fault": ""}))
            if pulse.unanswered >= PATIENCE:
                return "The server runs but does not answer."
            if not pulse.is_ready and time.monotonic() - began > START_S:
                return f"The server did not come up within {START_S:.0f} s."
            time.sleep(TURN_S)
        return ""

    def _start(self, deployment: DeploymentFile, port: int) -> "subprocess.Popen[bytes]":
        log = self._folder / "log.txt"
        if log.exists() and log.stat().st_size > MOST_LOG_BYTES:
            log.unlink()
        served = self._folder / "served"
        served.mkdir(exist_ok=True)
        # The server knows the model by its path; so callers name it as it is registered.
        link = served / deployment.model
        if not link.is_symlink():
            link.symlink_to(deployment.folder)
        with log.open("ab") as output:
            return subprocess.Popen(
                [
                    *(sys.executable, *SERVE, deployment.model),
                    *("--host", "127.0.0.1", "--port", str(port)),
                ],
                cwd=served,
                env={**os.environ, **QUIET},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _port(self) -> int:
        """Return the port that it had, if that is free, else another."""
        wanted = self._said.port if self._said else 0
        for port in (wanted, 0):
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
        raise OSError("no port of 127.0.0.1 is free")

    def _say(self, said: ServerFile) -> None:
        self._said = said
        write_whole(self._folder / "server.json", said.model_dump_json())

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            text = (self._folder / "log.txt").read_text("utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            said = [line for line in lines if not line.startswith("INFO:")]
            return said[-1][:400] if said else ""
        return ""


class Pulse:
    """Asks the server for its health, seldom while it is well."""

    def __init__(self, port: int) -> None:
        self._port, self._asked = port, 0.0
        self.is_ready, self.unanswered = False, 0

    def turns_ready(self, now: float) -> bool:
        """Ask if it is time to; return whether this was the first good answer."""
        pause_s = HEALTH_S if self.is_ready and not self.unanswered else TURN_S
        if now - self._asked < pause_s:
            return False
        self._asked = now
        if not is_healthy(self._port):
            self.unanswered += self.is_ready
            return False
        self.unanswered, was_ready = 0, self.is_ready
        self.is_ready = True
        return not was_ready


def is_healthy(port: int) -> bool:
    """Return whether the server on the port says that it is well."""
    try:
        url = f"http://127.0.0.1:{port}/health"
        with urllib.request.urlopen(url, timeout=HEALTH_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def read_server(folder: Path) -> ServerFile | None:
    """Return what the keeper said last."""
    try:
        return ServerFile.model_validate_json((folder / "server.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def read_deployment(folder: Path) -> DeploymentFile | None:
    """Return what shall be served."""
    try:
        return DeploymentFile.model_validate_json((folder / "deployment.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
