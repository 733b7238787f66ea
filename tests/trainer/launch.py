"""Start a run in several processes on this machine, as a launcher does."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.trainer.small import ROOT, process_environment

PATIENCE_S = 280


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def seats(ranks: int) -> list[dict[str, str]]:
    """Return each process's variables, as Azure ML's PyTorch distribution sets them."""
    port = str(free_port())
    return [
        {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "WORLD_SIZE": str(ranks),
            "NODE_RANK": "0",
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
        }
        for rank in range(ranks)
    ]


def start(
    arguments: list[str],
    env: Mapping[str, str],
    *,
    program: str = "trainer",
    file_bytes: int | None = None,
) -> subprocess.Popen[str]:
    """Start a process of `python -m program` with one thread: two share two cores with others.

    It may write no file larger than `file_bytes`.
    """
    limit = [] if file_bytes is None else ["prlimit", f"--fsize={file_bytes}"]
    return subprocess.Popen(
        [*limit, sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        env=process_environment({"OMP_NUM_THREADS": "1", **env}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def killed_at_the_end(*running: subprocess.Popen[str]) -> Iterator[None]:
    """Leave no process behind, whatever happens."""
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process; return its exit code and standard error."""
    _, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, errors
