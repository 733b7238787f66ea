"""The memory model against the tensors that training keeps and the memory that it takes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from tests.trainer.small import ROOT, process_environment, small_spec
from trainer import attention
from trainer.contract.memory import LOADED_BYTES, kept_of_block, memory_of
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.loss import install_scoring
from trainer.model import lora_config

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

TOKENS = 512
LORA = {"kind": "lora", "r": 8}
TUNINGS = [
    {"kind": "full"},
    LORA,
    {**LORA, "dropout": 0.05},
    {**LORA, "targets": "attention"},
    {**LORA, "targets": "attention", "dropout": 0.05},
]


def spec_of(layers: int, tuning: dict[str, Any], tokens: int = TOKENS) -> RunSpec:
    shape = ModelConfig(
        hidden_size=128, layers=layers, heads=4, kv_heads=2, intermediate_size=320, vocab_size=300
    )
    model = {"config": shape.model_dump(), **({"source": "x"} if tuning["kind"] == "lora" else {})}
    return small_spec(model=model, tuning=tuning, batch={"tokens_per_step": tokens})


def model_of(spec: RunSpec) -> Any:
    shape = spec.model.config
    assert shape is not None
    config = LlamaConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
    )
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention.register())
    install_scoring(model)
    tuned = lora_config(spec.tuning, model)
    return (model if tuned is None else get_peft_model(model, tuned)).train()


def scored(model: Any, tokens: int) -> Any:
    ids = torch.arange(tokens)[None] % 300
    edges = torch.arange(0, tokens + 1, 64, dtype=torch.int32)
    return model(
        input_ids=ids,
        labels=ids,
        position_ids=(torch.arange(tokens) % 64)[None],
        cu_seq_lens_q=edges,
        cu_seq_lens_k=edges,
        max_length_q=64,
        max_length_k=64,
        score=True,
    )


def kept_bytes(spec: RunSpec) -> int:
    """Return the bytes of all tensors that the forward pass keeps, weights left out."""
    model, kept = model_of(spec), {}
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def take(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(take, lambda tensor: tensor):
        result = scored(model, TOKENS)
    assert result.count > 0
    return sum(kept.values())


@pytest.mark.parametrize("tuning", TUNINGS, ids=str)
def test_a_block_keeps_what_the_model_counts(tuning: dict[str, Any]) -> None:
    more, fewer = spec_of(5, tuning), spec_of(2, tuning)
    of_block = (kept_bytes(more) - kept_bytes(fewer)) / 3 / TOKENS / 4
    assert more.model.config is not None
    assert kept_of_block(more.model.config, more) == pytest.approx(of_block, rel=0.001)


@pytest.mark.parametrize("tuning", [TUNINGS[0], TUNINGS[2]], ids=["full", "lora"])
def test_the_peak_of_training_is_within_a_quarter_of_the_estimate(tuning: dict[str, Any]) -> None:
    spec = spec_of(6, tuning, tokens=2048)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, spec.model_dump_json()],
        cwd=ROOT,
        env=process_environment({"OMP_NUM_THREADS": "1"}),
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
    )
    assert spec.model.config is not None
    expected = memory_of(spec.model.config, spec).total - LOADED_BYTES
    assert int(done.stdout) / expected == pytest.approx(1, abs=0.25)


def test_recomputing_keeps_less_and_adapters_need_no_moments_for_the_base() -> None:
    spec = spec_of(8, TUNINGS[1])
    assert spec.model.config is not None
    found = memory_of(spec.model.config, spec)
    assert found.optimizer == 2 * found.gradients < found.weights
    assert found.total == sum(
        (found.loaded, found.weights, found.gradients, found.optimizer, found.activations)
    ) + (found.loss + found.spread)


def peak_bytes() -> int:
    """Return the most memory that this program held; `ru_maxrss` counts its parent's, too."""
    text = Path("/proc/self/status").read_text("ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    """Train three steps of the spec in argv; print by how much the peak grew."""
    spec = RunSpec.model_validate_json(sys.argv[1])
    model_of(spec_of(1, spec.tuning.model_dump()))  # what PEFT loads late is no tensor
    scored(model_of(spec_of(1, TUNINGS[0])), 64).loss.backward()
    before = peak_bytes()
    model = model_of(spec)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], fused=True)
    for _ in range(3):
        scored(model, spec.batch.tokens_per_step).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    sys.stdout.write(str(peak_bytes() - before))


if __name__ == "__main__":
    main()
