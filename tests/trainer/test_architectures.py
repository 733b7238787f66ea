"""Each architecture that is said to pack really gives a packed row the loss of its sequences."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM

from trainer import attention
from trainer.contract.architectures import (
    FULL_ATTENTION,
    OTHER_HEAD,
    WHY_NOT,
    architecture_of,
)
from trainer.loss import install_scoring
from trainer.tokens.encode import Sequences
from trainer.tokens.packing import PackedBatches
from trainer.tokens.padding import PaddedBatches

LENGTHS = (7, 3, 12)
SMALL: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 64,
    "sliding_window": None,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
    "attention_dropout": 0.0,
    "attn_pdrop": 0.0,
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "hidden_dropout": 0.0,
    "residual_dropout": 0.0,
    "embedding_dropout": 0.0,
}


WINDOWS = {
    "gemma2": {"sliding_window": 4},
    "gemma3_text": {"sliding_window": 4, "layer_types": ["sliding_attention"] * 2},
}


def small_config(kind: str, **changes: Any) -> Any:
    named = AutoConfig.for_model(kind)
    known = {key: value for key, value in SMALL.items() if hasattr(named, key)}
    layers = {"layer_types": ["full_attention"] * 2} if hasattr(named, "layer_types") else {}
    return AutoConfig.for_model(kind, **{**known, **layers, **changes})


def random_model(config: Any, implementation: str | None = None) -> Any:
    """Return a model whose every weight is random: biases of zero would hide that one is left."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation=implementation, dtype=torch.float32
    ).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.5)
    return model


def sequences() -> Sequences:
    numbers = np.random.default_rng(0)
    tokens = numbers.integers(1, 97, sum(LENGTHS)).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(LENGTHS)])
    return Sequences(tokens, np.ones(len(tokens), dtype=np.bool_), starts)


def alone(model: Any) -> float:
    """Return the loss of each sequence by itself, from the model's own logits."""
    found, total = sequences(), 0.0
    for begin, end in zip(found.starts, found.starts[1:], strict=False):
        row = torch.from_numpy(found.tokens[begin:end].astype(np.int64))
        logits = model(input_ids=row[None]).logits[0, :-1]
        total += cross_entropy(logits, row[1:], reduction="sum").item()
    return total


@pytest.mark.parametrize("kind", sorted(FULL_ATTENTION))
def test_a_packed_row_scores_as_its_sequences_do_alone(kind: str) -> None:
    config = small_config(kind)
    allows = architecture_of(config.to_dict())
    assert allows.packs, allows.why
    model = random_model(config, attention.register())
    expected = alone(model)
    install_scoring(model, has_plain_head=allows.has_plain_head)
    batch = PackedBatches(sequences(), [[0, 1, 2]]).batch([0, 1, 2])
    scored = model(**batch, score=True)
    assert scored.count == sum(LENGTHS) - len(LENGTHS)
    assert scored.loss.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", ["llama", "granite", "gpt2", "gemma2", "gemma3_text", "opt"])
def test_padded_rows_score_as_their_sequences_do_alone(kind: str) -> None:
    model = random_model(small_config(kind, **WINDOWS.get(kind, {})))
    expected = alone(model)
    install_scoring(model, has_plain_head=False)
    scored = model(**PaddedBatches(sequences(), [[0, 1, 2]]).batch([0, 1, 2]), score=True)
    assert scored.count == sum(LENGTHS) - len(LENGTHS)
    assert scored.loss.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", sorted(OTHER_HEAD))
def test_another_head_is_really_not_plain(kind: str) -> None:
    """Otherwise the table would cost these models memory for nothing."""
    config = small_config(kind, logit_scale=0.5, logits_scaling=4.0)
    model = random_model(config, attention.register())
    expected = alone(model)
    install_scoring(model, has_plain_head=True)
    scored = model(**PackedBatches(sequences(), [[0, 1, 2]]).batch([0, 1, 2]), score=True)
    assert scored.loss.item() != pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("kind", sorted(WHY_NOT))
def test_what_cannot_pack_says_why(kind: str) -> None:
    allows = architecture_of({"model_type": kind})
    assert not allows.packs
    assert allows.why == f"`{kind}` trains on padded rows: {WHY_NOT[kind]}."


@pytest.mark.parametrize(
    ("config", "packs"),
    [
        ({"model_type": "mistral", "sliding_window": 4096}, False),
        ({"model_type": "mistral", "sliding_window": None}, True),
        ({"model_type": "qwen2", "sliding_window": 4096, "use_sliding_window": False}, True),
        ({"model_type": "olmo3", "layer_types": ["full_attention", "sliding_attention"]}, False),
        ({"model_type": "never-heard-of"}, False),
        ({}, False),
    ],
)
def test_windows_and_strangers_are_padded(config: dict[str, Any], packs: bool) -> None:
    assert architecture_of(config).packs is packs
