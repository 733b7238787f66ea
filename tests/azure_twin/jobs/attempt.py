"""One attempt of a job: its processes on the nodes, their logs, and how it ended."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.azure_twin import world
from tests.azure_twin.arm.places import run_place
from tests.azure_twin.arm.skus import sku
from tests.azure_twin.blob.store import BlobStore
from tests.azure_twin.children import Child
from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.service import mint_for
from tests.azure_twin.entra.tokens import MANAGEMENT
from tests.azure_twin.jobs import command
from tests.azure_twin.jobs.mirror import GrowingFiles, files_below
from tests.azure_twin.jobs.record import Job
from tests.azure_twin.jobs.staging import Stage

EVERY_S = 0.5
CANCEL_GRACE_S = 5.0


class Ending(Enum):
    EXITED = "exited"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Outcome:
    ending: Ending
    code: int = 0  # of the first process that failed
    log: str = ""  # the last lines of it


@dataclass
class Attempt:
    """Runs the processes of one attempt. `cluster_sku` is the size of the nodes."""

    twin: TwinContext
    store: BlobStore
    job: Job
    stage: Stage
    cluster_sku: str

    def __post_init__(self) -> None:
        self._logs = self.stage.root / "logs"
        self._streams = GrowingFiles(self.store, run_place(self.job.name))
        self._children: dict[int, Child] = {}

    async def run(self) -> Outcome:
        """Start everything, follow it to its end, and leave no process behind."""
        await self._restore()
        line = command.command_line(
            self.job.asked["command"], self.stage.inputs, self.stage.outputs
        )
        try:
            await self._start(line)
            return await self._follow()
        finally:
            await asyncio.gather(*(one.stop(grace_s=0.5) for one in self._children.values()))
            for child in self._children.values():
                child.signal(signal.SIGKILL)
            await self._send()
            await self._send_outputs()

    async def _restore(self) -> None:
        """Bring back `outputs/` and `logs/`; a log of the platform's is appended to."""
        for work in self.stage.works:
            for name in ("outputs", "logs"):
                (work / name).mkdir(exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        if self.job.attempt == 1:
            return
        first = self.stage.works[0]
        await self.store.download(run_place(self.job.name).below("outputs"), first / "outputs")
        await self._streams.restore("logs", first / "logs")
        await self._streams.restore("user_logs", self._logs)

    async def _start(self, line: str) -> None:
        port, count = _free_port(), self.job.nodes * self.job.processes
        for process in range(count):
            node, local = divmod(process, self.job.processes)
            name = command.log_name(process, processes=count)
            environment = {
                **self._environment(node),
                **command.rank_environment(self.job, node=node, local=local, port=port),
                **{key: str(value) for key, value in self._own_variables().items()},
            }
            with self._log(name).open("ab") as output:
                self._children[process] = await self.twin.children.start(
                    f"job {self.job.name} process {process}",
                    "bash",
                    "-c",
                    line,
                    cwd=self.stage.works[node],
                    env=environment,
                    output=output,
                )
        self.job.children = list(self._children.values())

    def _own_variables(self) -> dict[str, str]:
        return self.job.asked.get("environmentVariables") or {}

    def _environment(self, node: int) -> dict[str, str]:
        twin, home = self.twin, self.stage.root / f"node-{node}"
        application = twin.directory.applications[world.COMPUTE_IDENTITY]
        named = {f"AZURE_ML_OUTPUT_{name}": path for name, path in self.stage.outputs.items()}
        given = {f"AZURE_ML_INPUT_{name}": value for name, value in self.stage.inputs.items()}
        return {
            **command.node_environment(self.job, home=home, cores=sku(self.cluster_sku).cores),
            **command.library_environment(),
            **command.image_environment(twin.options.get("programs", "")),
            **twin.environment,
            **named,
            **given,
            "MLFLOW_TRACKING_TOKEN": mint_for(twin, application, MANAGEMENT),
            "MSI_ENDPOINT": f"{twin.identity_url}/msi/{world.COMPUTE_IDENTITY}",
            "MSI_SECRET": twin.identity_secret,
            "DEFAULT_IDENTITY_CLIENT_ID": world.COMPUTE_IDENTITY,
        }

    async def _follow(self) -> Outcome:
        """Wait for the end, a cancel, a preemption or the time limit; send logs meanwhile."""
        ended = asyncio.Event()
        streaming = asyncio.create_task(_repeat(self._send, ended))
        exits = asyncio.create_task(self._exits())
        cancel = asyncio.create_task(self.job.cancelled.wait())
        preempt = asyncio.create_task(self.job.preempted.wait())
        watched = {exits, cancel, preempt}
        try:
            done, _ = await asyncio.wait(
                watched, timeout=self.job.timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if exits in done:
                return exits.result()
            if preempt in done:
                await self._stop(self.job.grace_s)
                return Outcome(Ending.PREEMPTED)
            await self._stop(CANCEL_GRACE_S)
            return Outcome(Ending.CANCELLED if cancel in done else Ending.TIMED_OUT)
        finally:
            for task in watched:
                task.cancel()
            # Never cancelled: what was appended but not counted would be appended twice.
            ended.set()
            await asyncio.gather(*watched, return_exceptions=True)
            await streaming

    async def _exits(self) -> Outcome:
        """Return when all have ended well, or the first one has not."""
        waiting = {
            asyncio.create_task(child.wait()): process for process, child in self._children.items()
        }
        try:
            for task in asyncio.as_completed(waiting):
                code = await task
                if code != 0:
                    process = next(one for one, child in self._ended() if child == code)
                    return Outcome(Ending.EXITED, code, self._tail(process))
            return Outcome(Ending.EXITED)
        finally:
            for one in waiting:
                one.cancel()

    def _ended(self) -> list[tuple[int, int]]:
        """Return the processes that have ended, with their exit codes."""
        found = []
        for process, child in self._children.items():
            status = child.process.returncode
            if status is not None:
                found.append((process, status if status >= 0 else 128 - status))
        return found

    def _tail(self, process: int) -> str:
        count = self.job.nodes * self.job.processes
        data = self._log(command.log_name(process, processes=count)).read_bytes()
        return data[-2000:].decode("utf-8", "replace")

    async def _stop(self, grace_s: float) -> None:
        await asyncio.gather(*(one.stop(grace_s=grace_s) for one in self._children.values()))

    def _log(self, name: str) -> Path:
        return self._logs / name.removeprefix("user_logs/")

    async def _send(self) -> None:
        """Send what the processes have written since."""
        await self._streams.send_folder("user_logs", self._logs)
        for work in self.stage.works:
            await self._streams.send_folder("logs", work / "logs")
        await self.stage.sync()

    async def _send_outputs(self) -> None:
        place = run_place(self.job.name).below("outputs")
        for work in self.stage.works:
            folder = work / "outputs"
            for path in files_below(folder):
                await self.store.upload(place.below(path.relative_to(folder).as_posix()), path)


async def _repeat(work: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
    while not ended.is_set():
        await work()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), EVERY_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
