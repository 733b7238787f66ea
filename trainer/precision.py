"""Which numbers a machine multiplies matrices in: bf16 where its hardware does, else fp32."""

from dataclasses import dataclass
from typing import Literal

import torch

from trainer.errors import BadSpecError

# What a processor must have for bf16 to be arithmetic of its own. Without, it is emulated: a
# product of [8192, 256] and [256, 1024] took fifty times as long as in fp32 on an EPYC with AVX2.
CPU_HAS_BF16 = ("amx_bf16", "avx512_bf16")
# On a CPU, narrower matrices spend on casting what they save.
WIDE = 256
IN_BF16 = "Matrices in bf16."


@dataclass(frozen=True)
class Device:
    """What computes: a GPU, or the processor. `has_bf16` says that it does so in hardware."""

    name: str
    is_gpu: bool
    has_bf16: bool


@dataclass(frozen=True)
class Precision:
    """Whether matrices are multiplied in bf16 by autocast; `in_words` is a sentence."""

    is_bf16: bool
    in_words: str

    @property
    def name(self) -> str:
        """Return `bf16` or `fp32`."""
        return "bf16" if self.is_bf16 else "fp32"


def this_device() -> Device:
    """Return what this process computes on."""
    if torch.cuda.is_available():
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device(f"a {torch.cuda.get_device_name()}", is_gpu=True, has_bf16=has_bf16)
    found = torch.cpu.get_capabilities()
    has_bf16 = any(found.get(name) for name in CPU_HAS_BF16)
    return Device("this processor", is_gpu=False, has_bf16=has_bf16)


def precision_on(
    device: Device,
    setting: Literal["auto", "fp32", "bf16"],
    *,
    width: int,
    is_sharded: bool = False,
) -> Precision:
    """Return what a model of this width is computed in. Raises `BadSpecError`."""
    if setting == "bf16" and not device.has_bf16:
        raise BadSpecError(
            f"compute.precision is bf16, and {device.name} has no such arithmetic: it would be "
            "emulated, many times slower.",
            remedy="Set compute.precision to auto, or choose a machine that has it.",
        )
    if is_sharded:
        # Its weights are gathered in what it computes in (trainer/sharding.py); autocast would
        # have them gathered in fp32.
        return _fp32() if not device.is_gpu else Precision(is_bf16=False, in_words=IN_BF16)
    if setting == "fp32":
        return _fp32()
    if not device.has_bf16:
        return _fp32(f"{device.name} has no bf16")
    if setting == "auto" and not device.is_gpu and width < WIDE:
        return _fp32(f"{width} wide gains nothing from bf16 on a processor")
    return Precision(is_bf16=True, in_words=IN_BF16)


def _fp32(why: str = "") -> Precision:
    return Precision(is_bf16=False, in_words=f"Matrices in fp32{why and ': '}{why}.")
