"""Run one command in its own process group: its lines as they come, ended when it must."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CHUNK_BYTES = 65536
LINE_BYTES = 1 << 20  # a line without an end is cut here, so that it cannot fill the memory
DRAIN_S = 1.0  # what a background child may keep the output open after its parent has ended


class Why(StrEnum):
    """Why a command ended."""

    EXIT = "exit"
    STOPPED = "stopped"
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class Order:
    """What to run."""

    command: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float
    grace_s: float


@dataclass(frozen=True)
class Ended:
    """How it ended; `exit_code` is negative for a signal. `complained`: wrote to stderr."""

    exit_code: int
    why: Why
    complained: bool = False


async def run(
    order: Order, stop: asyncio.Event, on_line: Callable[[str], None], *, split_stderr: bool = False
) -> Ended:
    """Run to the end, or until `stop` is set or the time is up: then SIGTERM, grace, SIGKILL.

    What the command leaves in the background lives on. Raises OSError when it cannot begin, and
    what `on_line` raises.
    """
    async with contextlib.AsyncExitStack() as pipes:
        output = await pipes.enter_async_context(_pipe(on_line))
        errors = await pipes.enter_async_context(_pipe(on_line)) if split_stderr else output
        process = await asyncio.create_subprocess_exec(
            *order.command,
            cwd=order.cwd,
            env=order.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=errors.write_end,
            start_new_session=True,
        )
        readers = {output.begin(), errors.begin()}
        try:
            why = await _wait(process, readers, stop, order)
            await asyncio.wait(readers, timeout=DRAIN_S)
        finally:
            if process.returncode is None:
                signal_group(process.pid, signal.SIGKILL)
                await process.wait()
        complained = split_stderr and errors.count > 0
    return Ended(process.returncode or 0, why, complained)


class _Pipe:
    """The command's output on its way to `on_line`.

    A pipe of our own: until Python 3.13 a process of asyncio that was given PIPE counts as running
    while a background child holds the pipe (https://github.com/python/cpython/issues/119710).
    """

    def __init__(self, on_line: Callable[[str], None], stream: asyncio.StreamReader, end: int):
        self._on_line, self._stream = on_line, stream
        self._reader: asyncio.Task[None] | None = None
        self.write_end = end
        self.count = 0

    def begin(self) -> "asyncio.Task[None]":
        """Close our side of the writing end and read until all others have closed theirs."""
        if self._reader is None:
            os.close(self.write_end)
            self.write_end = -1
            self._reader = asyncio.create_task(self._read())
        return self._reader

    async def end(self) -> None:
        """Stop reading; raises OSError if a line could not be written."""
        if self.write_end >= 0:
            os.close(self.write_end)
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def _read(self) -> None:
        buffer = b""
        while chunk := await self._stream.read(CHUNK_BYTES):
            self.count += len(chunk)
            *lines, buffer = (buffer + chunk).split(b"\n")
            if len(buffer) > LINE_BYTES:
                lines, buffer = [*lines, buffer], b""
            for line in lines:
                self._on_line(line.decode("utf-8", "replace").rstrip("\r"))
        if buffer:
            self._on_line(buffer.decode("utf-8", "replace"))


@contextlib.asynccontextmanager
async def _pipe(on_line: Callable[[str], None]) -> AsyncIterator[_Pipe]:
    read_end, write_end = os.pipe()
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb", 0)
    )
    pipe = _Pipe(on_line, stream, write_end)
    try:
        yield pipe
    finally:
        transport.close()
        await pipe.end()


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the group that `pid` leads, if anyone of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def _wait(
    process: asyncio.subprocess.Process,
    readers: Collection["asyncio.Task[None]"],
    stop: asyncio.Event,
    order: Order,
) -> Why:
    ends = asyncio.create_task(process.wait())
    stops = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(_failure(readers))
    try:
        done, _ = await asyncio.wait(
            {ends, stops, failing}, timeout=order.timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if ends in done:
            return Why.EXIT
        signal_group(process.pid, signal.SIGTERM)
        await asyncio.wait({ends}, timeout=order.grace_s)
        signal_group(process.pid, signal.SIGKILL)
        await ends
        return Why.STOPPED if done else Why.TIMEOUT
    finally:
        for task in (ends, stops, failing):
            task.cancel()
        await asyncio.gather(ends, stops, failing, return_exceptions=True)


async def _failure(readers: Collection["asyncio.Task[None]"]) -> None:
    """Return when a line could not be written: then the command must not go on unseen."""
    await asyncio.wait(readers, return_when=asyncio.FIRST_EXCEPTION)
    if all(reader.done() and reader.exception() is None for reader in readers):
        await asyncio.Event().wait()
