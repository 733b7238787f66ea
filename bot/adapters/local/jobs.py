"""The local Jobs adapter: a first-in-first-out queue of process groups on this machine."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from typing_extensions import override

from bot.adapters.local import results
from bot.adapters.local.files import create_json, disk_faults, locked, write_json
from bot.adapters.local.folders import run_folder
from bot.adapters.local.job_state import GRACE_S, JobFiles, read_files, seen, settled, state
from bot.adapters.local.supervisor import spawn
from bot.domain.run import JobSeen, JobState
from bot.ports import ClusterSeen, Jobs, ResultFile
from trainer.contract.machines import LOCAL

log = logging.getLogger(__name__)

_MODULE = "bot.adapters.local.job_supervisor"
_OPEN = frozenset({JobState.WAITING, JobState.RUNNING})


def has_gpus() -> bool:
    """Return whether this machine has an NVIDIA GPU that a job could use."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


class LocalJobs(Jobs):
    """Jobs below `home`, `slots` at a time, the first in the queue never overtaken.

    With `has_gpus` slots are GPUs: a job takes as many as it asked for, and sees no others.
    """

    def __init__(
        self,
        home: Path,
        *,
        slots: int = 1,
        has_gpus: bool = False,
        grace_s: float = GRACE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._home, self._slots, self._has_gpus = home.resolve(), slots, has_gpus
        self._grace_s, self._now = grace_s, now
        self._over: set[str] = set()  # nothing about these ever changes: not worth a look
        self._one_at_a_time = asyncio.Lock()

    @override
    async def observe(self, names: Collection[str]) -> Mapping[str, JobSeen]:
        return await asyncio.to_thread(self._observe, names)

    @override
    async def cancel(self, name: str) -> None:
        await asyncio.to_thread(self._cancel, name)

    @override
    async def advance(self) -> None:
        async with self._one_at_a_time:
            await asyncio.to_thread(self._advance)

    @override
    async def clusters(self) -> Sequence[ClusterSeen]:
        return [await asyncio.to_thread(self._cluster)]

    @override
    async def results(self, name: str) -> Sequence[ResultFile]:
        return await asyncio.to_thread(results.listed, self._output(name))

    @override
    def read_result(self, name: str, path: str) -> AsyncIterator[bytes]:
        return results.pieces(self._output(name), path)

    def _output(self, name: str) -> Path:
        return run_folder(self._home, "jobs", name) / "output"

    def _cluster(self) -> ClusterSeen:
        found = list(self._open())
        free = len(self._free(found))
        waiting = len(self._queue(found))
        return ClusterSeen(
            "this machine", LOCAL, "dedicated", self._slots, self._slots - free, free, waiting
        )

    def _observe(self, names: Collection[str]) -> Mapping[str, JobSeen]:
        waiting = [files.folder.name for files in self._queue(self._open())]
        positions = {name: number for number, name in enumerate(waiting, start=1)}
        return {
            name: seen(
                read_files(run_folder(self._home, "jobs", name)),
                positions.get(name),
                self._now(),
            )
            for name in names
        }

    def _cancel(self, name: str) -> None:
        folder = run_folder(self._home, "jobs", name)
        files = read_files(folder)
        if state(files)[0] not in _OPEN:
            return
        with disk_faults(f"Cancelling {name}"):
            create_json(folder / "cancel.json", {"at": self._now(), "grace_s": self._grace_s})
        # Read again: a supervisor that began meanwhile either is here or saw cancel.json.
        supervisor = read_files(folder).supervisor
        if supervisor is not None:
            supervisor.who.terminate()

    def _advance(self) -> None:
        found = list(self._open())
        for files in found:
            if files.is_unsettled:
                self._settle(files)
        if any(files.is_unsettled for files in found):
            found = list(self._open())
        free = self._free(found)
        for files in self._queue(found):
            wanted = self._wanted(files)
            if len(free) < wanted:
                return
            self._start(files.folder, tuple(free[:wanted]))
            free = free[wanted:]

    def _open(self) -> Iterable[JobFiles]:
        """Yield the jobs that can still change."""
        folders = self._home / "jobs"
        names = {path.parent.name for path in folders.glob("*/job.json")} - self._over
        for name in names:
            files = read_files(folders / name)
            if state(files)[0] in _OPEN or files.is_unsettled:
                yield files
            else:
                self._over.add(name)

    def _queue(self, found: Iterable[JobFiles]) -> list[JobFiles]:
        waiting = [files for files in found if state(files)[0] is JobState.WAITING]
        return sorted(waiting, key=_turn)

    def _free(self, found: Iterable[JobFiles]) -> list[int]:
        """Return the numbers of the slots that no running job holds."""
        running = [files for files in found if state(files)[0] is JobState.RUNNING]
        taken = {slot for files in running if files.supervisor for slot in files.supervisor.slots}
        return [slot for slot in range(self._slots) if slot not in taken]

    def _wanted(self, files: JobFiles) -> int:
        asked = files.request.gpus if files.request is not None and self._has_gpus else 1
        # More than there are can never be had: then all of them.
        return min(max(1, asked), self._slots)

    def _start(self, folder: Path, slots: tuple[int, ...]) -> None:
        numbers = ",".join(str(slot) for slot in slots)
        with disk_faults(f"Starting the job {folder.name}"):
            spawn(_MODULE, folder, (numbers, *(["--gpus"] if self._has_gpus else [])))
        log.info("job %s was started", folder.name)

    def _settle(self, files: JobFiles) -> None:
        """End what a dead supervisor left running, then write down how its attempt ended."""
        with disk_faults(f"Settling the job {files.folder.name}"), ExitStack() as stack:
            if not stack.enter_context(locked(files.folder / "lock")):
                return
            files = read_files(files.folder)
            if not files.is_unsettled or files.supervisor is None:
                return
            log.warning("the supervisor of job %s died", files.folder.name)
            files.supervisor.end_orphans(self._grace_s)
            write_json(files.folder / "exit.json", settled(files))


def _turn(files: JobFiles) -> tuple[float, str]:
    submitted_at = files.request.submitted_at if files.request is not None else 0.0
    return submitted_at, files.folder.name
