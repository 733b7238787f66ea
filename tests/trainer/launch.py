"""Start a run in several processes on this machine, as a launcher does."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.trainer.small import ROOT, process_environment

PATIENCE_S = 120


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
    arguments: list[str], env: Mapping[str, str], *, program: str = "trainer"
) -> subprocess.Popen[str]:
    """Start one process of `python -m trainer` with one thread: two share two cores with others."""
    return subprocess.Popen(
        [sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        env=process_environment({"OMP_NUM_THREADS": "1", **env}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(spec: Path, output: Path, *, ranks: int, env: Mapping[str, str]) -> list[str]:
    """Run `ranks` processes to their good end; return what each wrote to standard error."""
    arguments = ["run", str(spec), "--output", str(output)]
    places = seats(ranks) if ranks > 1 else [{}]
    running = [start(arguments, {**env, **place}) for place in places]
    try:
        ended = [process.communicate(timeout=PATIENCE_S) for process in running]
    finally:
        for process in running:
            process.kill()
    codes = [process.returncode for process in running]
    assert codes == [0] * ranks, "\n".join(out + errors for out, errors in ended)
    return [errors for _, errors in ended]
