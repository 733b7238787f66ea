"""What matrices are multiplied in, on which device."""

from typing import Any

import pytest

from trainer.errors import BadSpecError
from trainer.precision import Device, precision_on

OLD = Device("this processor", is_gpu=False, has_bf16=False)
NEW = Device("this processor", is_gpu=False, has_bf16=True)
T4 = Device("a Tesla T4", is_gpu=True, has_bf16=False)
A100 = Device("an A100", is_gpu=True, has_bf16=True)


@pytest.mark.parametrize(
    ("device", "setting", "width", "words"),
    [
        (OLD, "auto", 4096, "Matrices in fp32: this processor has no bf16."),
        (NEW, "auto", 4096, "Matrices in bf16."),
        (NEW, "auto", 64, "Matrices in fp32: 64 wide gains nothing from bf16 on a processor."),
        (NEW, "bf16", 64, "Matrices in bf16."),
        (NEW, "fp32", 4096, "Matrices in fp32."),
        (T4, "auto", 4096, "Matrices in fp32: a Tesla T4 has no bf16."),
        (A100, "auto", 64, "Matrices in bf16."),
        (A100, "fp32", 4096, "Matrices in fp32."),
    ],
)
def test_bf16_is_taken_where_the_hardware_has_it(
    device: Device, setting: Any, width: int, words: str
) -> None:
    found = precision_on(device, setting, width=width)
    assert found.in_words == words
    assert found.is_bf16 is (words.rsplit(maxsplit=1)[-1] == "bf16." and "no" not in words)


def test_bf16_that_would_be_emulated_is_refused() -> None:
    with pytest.raises(BadSpecError, match="a Tesla T4 has no such arithmetic"):
        precision_on(T4, "bf16", width=4096)


@pytest.mark.parametrize("device", [OLD, NEW, A100], ids=["old", "new", "gpu"])
def test_a_sharded_model_is_gathered_in_what_it_computes_in_without_autocast(
    device: Device,
) -> None:
    found = precision_on(device, "auto", width=4096, is_sharded=True)
    assert not found.is_bf16
    assert found.in_words == f"Matrices in {'bf16' if device.is_gpu else 'fp32'}."
