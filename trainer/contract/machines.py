"""Machines that runs are estimated for: how fast they train, and how much they hold."""

import os
import re
from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """One node. `flops` is what training really reaches on one device (a GPU, or a CPU core).

    `narrow` is the model width at which half of that is reached: small matrices keep a device
    waiting. `step_s` and `start_s` are what a step and a run cost whatever the model.
    """

    title: str
    gpus: int
    flops: float
    memory_bytes: int
    narrow: int
    step_s: float
    start_s: float
    cores: int = 0  # CPU cores of a machine without GPUs; 0: those of this one


# The share of the published dense bf16 (T4: fp16) peak that a good trainer reaches on models that
# fit one GPU; 30 to 50 % is usual (PaLM's report, arXiv:2204.02311, table 3; nanoGPT on A100).
UTILISATION = 0.35


# Dense peaks in bf16 (T4: fp16), in FLOPs a second, from NVIDIA's data sheet of each chip, where
# half of what is said "with sparsity" counts.
_PEAKS = {"T4": 65e12, "A10": 125e12, "A100": 312e12}
_PEAKS |= {"H100 PCIe": 756e12, "H100 NVL": 835e12, "H100": 989e12, "H200": 989e12}
# What CUDA calls a whole chip, less the maker. A part of one (MIG, or a vGPU with less than all of
# the memory) has another peak, which is in no data sheet.
_NAMES = {
    "T4": r"T4",
    "A10": r"A10(-24Q)?",
    "A100": r"A100[ -](SXM4-40GB|SXM4-80GB|PCIE-40GB|80GB PCIe)",
    "H100 PCIe": r"H100 PCIe",
    "H100 NVL": r"H100 NVL",
    "H100": r"H100 80GB HBM3",
    "H200": r"H200",
}


def peak_flops(device: str) -> float | None:
    """Return the peak in 16 bits of the GPU that CUDA calls `device`; None for an unknown one."""
    name = re.sub(r"^(NVIDIA|Tesla) ", "", device)
    known = (chip for chip, pattern in _NAMES.items() if re.fullmatch(pattern, name))
    return next((_PEAKS[chip] for chip in known), None)


def _gpu(gpus: int, chip: str, memory_gib: int) -> Machine:
    # Starting: image pull, imports and CUDA's own start, as Azure ML's users report them.
    title, flops = f"{gpus} x {chip}", _PEAKS[chip] * UTILISATION
    return Machine(title, gpus, flops, memory_gib * GIB, 512, 0.02, 120.0)


# Which VM has which chip is from Azure's list of sizes.
_GPUS = {
    "Standard_NC4as_T4_v3": _gpu(1, "T4", 16),
    "Standard_NC16as_T4_v3": _gpu(1, "T4", 16),
    "Standard_NV36ads_A10_v5": _gpu(1, "A10", 24),
    "Standard_NC24ads_A100_v4": _gpu(1, "A100", 80),
    "Standard_NC48ads_A100_v4": _gpu(2, "A100", 80),
    "Standard_ND96amsr_A100_v4": _gpu(8, "A100", 80),
    "Standard_NC40ads_H100_v5": _gpu(1, "H100 NVL", 94),
    "Standard_ND96isr_H100_v5": _gpu(8, "H100", 80),
}

LOCAL = "local-cpu"
_STARTING_S = 120.0
# Measured with `python -m trainer run` on two cores of an AMD EPYC with AVX2, in fp32.
_CORE_FLOPS, _CPU_NARROW, _CPU_STEP_S, _CPU_START_S = 70e9, 100, 0.01, 14.0


def _cpu(title: str, cores: int, memory_gib: int) -> Machine:
    # Two virtual CPUs are one core of the host; a core is taken for one of ours.
    memory = memory_gib * GIB
    return Machine(
        title, 0, _CORE_FLOPS, memory, _CPU_NARROW, _CPU_STEP_S, _STARTING_S, cores=cores
    )


# Sizes from learn.microsoft.com/azure/virtual-machines/sizes/general-purpose.
_CPUS = {
    "Standard_DS3_v2": _cpu("2 CPU cores", 2, 14),
    "Standard_D8s_v5": _cpu("4 CPU cores", 4, 32),
    "Standard_D16s_v5": _cpu("8 CPU cores", 8, 64),
}


def machine(sku: str) -> Machine | None:
    """Return the machine called `sku`, or None for one that nothing is known about."""
    if sku == LOCAL:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Machine(
            "this machine's cores", 0, _CORE_FLOPS, memory, _CPU_NARROW, _CPU_STEP_S, _CPU_START_S
        )
    return _GPUS.get(sku) or _CPUS.get(sku)
