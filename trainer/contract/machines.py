"""Machines that runs are estimated for: how fast they train, and how much they hold."""

import os
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


def _gpu(title: str, gpus: int, peak_tflops: float, memory_gib: int) -> Machine:
    # Starting: image pull, imports and CUDA's own start, as Azure ML's users report them.
    return Machine(
        title, gpus, peak_tflops * 1e12 * UTILISATION, memory_gib * GIB, 512, 0.02, 120.0
    )


# Peaks from NVIDIA's data sheets of each chip; which VM has which chip from Azure's list of sizes.
_GPUS = {
    "Standard_NC4as_T4_v3": _gpu("1 x T4", 1, 65, 16),
    "Standard_NC16as_T4_v3": _gpu("1 x T4", 1, 65, 16),
    "Standard_NV36ads_A10_v5": _gpu("1 x A10", 1, 125, 24),
    "Standard_NC24ads_A100_v4": _gpu("1 x A100", 1, 312, 80),
    "Standard_NC48ads_A100_v4": _gpu("2 x A100", 2, 312, 80),
    "Standard_ND96amsr_A100_v4": _gpu("8 x A100", 8, 312, 80),
    "Standard_NC40ads_H100_v5": _gpu("1 x H100 NVL", 1, 835, 94),
    "Standard_ND96isr_H100_v5": _gpu("8 x H100", 8, 989, 80),
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
