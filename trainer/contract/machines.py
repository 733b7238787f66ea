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
# Measured with `python -m trainer run` on two cores of an AMD EPYC with AVX2, in fp32.
_CORE_FLOPS, _CPU_NARROW, _CPU_STEP_S, _CPU_START_S = 70e9, 100, 0.01, 14.0


def machine(sku: str) -> Machine | None:
    """Return the machine called `sku`, or None for one that nothing is known about."""
    if sku == LOCAL:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Machine(
            "this machine's cores", 0, _CORE_FLOPS, memory, _CPU_NARROW, _CPU_STEP_S, _CPU_START_S
        )
    return _GPUS.get(sku)
