"""What the machine is: processor, memory, GPUs and their driver, as far as Linux tells."""

import os
import resource
from pathlib import Path

import psutil
import torch

from trainer.lineage import Hardware

_CPUS = Path("/proc/cpuinfo")
_DRIVER = Path("/proc/driver/nvidia/version")


def hardware() -> Hardware:
    """Return the machine that this process runs on."""
    gpus = range(torch.cuda.device_count())
    return Hardware(
        cpu=_after(_CPUS, "model name", ":") or "unknown",
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=psutil.virtual_memory().total,
        threads=torch.get_num_threads(),
        gpus=tuple(torch.cuda.get_device_name(number) for number in gpus),
        driver=_after(_DRIVER, "NVRM version", ":"),
    )


def peak_memory_bytes() -> int:
    """Return the most memory that was held: the GPU's if there is one, else the process's."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _after(path: Path, name: str, mark: str) -> str | None:
    """Return what follows the mark in the file's first line that begins with `name`."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = (line.partition(mark)[2].strip() for line in lines if line.startswith(name))
    return next(found, None)
