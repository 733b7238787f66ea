"""What the machine is: processor, memory, GPUs and their driver, as far as Linux tells."""

import os
import resource
from pathlib import Path

import psutil
import torch

from trainer.contract.allocator import loaded_allocator
from trainer.contract.machines import peak_flops
from trainer.lineage import Hardware

_CPUS = Path("/proc/cpuinfo")
_PAGES = Path("/proc/self/statm")
_MAPS = Path("/proc/self/maps")
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
        allocator=loaded_allocator(_MAPS.read_text("utf-8", errors="replace")),
        driver=_after(_DRIVER, "NVRM version", ":"),
    )


def peak_memory_bytes() -> int:
    """Return the most memory that was held: the GPU's if there is one, else the process's."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    # Linux counts what is held now and the most there was at different moments.
    return max(memory_bytes(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def memory_bytes() -> int:
    """Return the memory that is held now: the GPU's if there is one, else the process's."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    pages = int(_PAGES.read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def peak_flops_of_devices(ranks: int) -> float | None:
    """Return the peak of the run's `ranks` GPUs, all like this process's; None where unknown.

    A CPU has none: its clock, and with it its peak, is another one at every load.
    """
    if not torch.cuda.is_available():
        return None
    peak = peak_flops(torch.cuda.get_device_name())
    return None if peak is None else ranks * peak


def _after(path: Path, name: str, mark: str) -> str | None:
    """Return what follows the mark in the file's first line that begins with `name`."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = (line.partition(mark)[2].strip() for line in lines if line.startswith(name))
    return next(found, None)
