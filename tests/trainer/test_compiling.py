"""When a model is compiled and why, and what happens to the code."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from tests.trainer.small import small_spec
from trainer.compiled import MOST, WARM, CodeCache, CompiledCore, fill, first_pass
from trainer.contract.compiling import WORTH_TOKENS, compiling

# torch's compiler loads a part of torch that torch itself calls old.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is:DeprecationWarning")
KEPT = "Compiled: the code for this model and machine is kept from before."


@pytest.mark.parametrize(
    ("setting", "known", "why"),
    [
        ("auto", {"tokens": 999}, "Not compiled: 999 tokens are too few to make up for"),
        ("auto", {"tokens": WORTH_TOKENS}, "Compiled: for 1,000,000 tokens it saves more"),
        ("auto", {"tokens": WORTH_TOKENS, "is_bf16": False}, "Not compiled: in fp32 it has not"),
        ("auto", {"tokens": 9, "is_warm": True}, KEPT),
        ("auto", {"tokens": 9, "before": True}, "Compiled: as the run did before."),
        ("on", {"tokens": 9, "before": False}, "Not compiled: as the run did before."),
        ("on", {"tokens": 9}, "Compiled: compute.compile is on."),
        ("on", {"tokens": 9, "cannot": "its rows are padded"}, "Not compiled: its rows are padded"),
        ("off", {"tokens": WORTH_TOKENS, "is_warm": True}, "Not compiled: compute.compile is off."),
    ],
)
def test_a_sentence_says_whether_and_why_a_model_is_compiled(
    setting: Any, known: dict[str, Any], why: str
) -> None:
    found = compiling(setting, **known)
    assert found.why.startswith(why)
    assert found.compiles is why.startswith("Compiled")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"method": "dpo", "model": {"source": "base"}, "compute": {"compile": "on"}},
            "compute.compile on is offered for pretrain and sft, not for dpo",
        ),
        (
            {"compute": {"compile": "on", "sharding": "full"}},
            "compute.compile on and compute.sharding full do not go together",
        ),
    ],
)
def test_compiling_what_is_not_compiled_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        small_spec(**changes)


@pytest.mark.parametrize("missing", [0, 3])
def test_a_batch_is_filled_up_with_a_sequence_of_its_own(missing: int) -> None:
    edges = torch.tensor([0, 2, 5], dtype=torch.int32)
    tokens = 5 + missing
    batch = {
        "input_ids": torch.arange(5)[None],
        "position_ids": torch.tensor([[0, 1, 0, 1, 2]]),
        "cu_seq_lens_q": edges,
        "cu_seq_lens_k": edges,
        "max_length_q": 3,
        "max_length_k": 3,
    }
    found = fill(batch, tokens)
    assert found["input_ids"].shape == found["position_ids"].shape == (1, tokens)
    assert found["cu_seq_lens_q"].tolist() == ([0, 2, 5, tokens] if missing else [0, 2, 5])
    assert found["cu_seq_lens_k"] is found["cu_seq_lens_q"]
    assert found["position_ids"][0, 5:].tolist() == list(range(missing))
    assert batch["input_ids"].shape == (1, 5)


def core_in(folder: Path) -> CompiledCore:
    return CompiledCore(torch.nn.Identity(), tokens=8, cache=CodeCache(folder))


def test_a_first_pass_that_fails_is_made_again_without_compiled_code(tmp_path: Path) -> None:
    core, drawn, undone = core_in(tmp_path), list[float](), list[bool]()

    def step() -> torch.Tensor:
        drawn.append(torch.rand(()).item())
        if core.is_on:
            raise RuntimeError("No compiler was found.\nIts long story.")
        return torch.zeros(())

    _, why = first_pass(core, step, lambda: undone.append(True))
    assert why == "Not compiled after all: RuntimeError, No compiler was found."
    assert drawn[0] == drawn[1]
    assert undone == [True]
    assert core.is_proven
    assert not core.cache.is_warm


def test_code_is_kept_once_a_pass_went_well_and_the_oldest_goes(tmp_path: Path) -> None:
    for number in range(MOST + 1):
        core = core_in(tmp_path / f"model-{number}")
        assert first_pass(core, lambda: torch.zeros(()), lambda: None)[1] == ""
        os.utime(core.cache.folder / WARM, (number, number))
    assert core.cache.is_warm
    core_in(tmp_path / "another").prove(1.0)
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == MOST
    assert "model-0" not in left
