"""Read a model's shape from the `config.json` that transformers writes beside its weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.contract.spec import ModelConfig

# What one and the same number is called, by age of the architecture.
_WIDTH = ("hidden_size", "n_embd", "d_model")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
_HEADS = ("num_attention_heads", "n_head", "num_heads")
_INNER = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")
# Mixtures of experts have many times the weights that the other numbers say.
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
# They share input and output embeddings where config.json does not say otherwise.
_TIED = frozenset({"gpt2", "gpt_neo", "gptj", "opt", "bloom", "gemma", "gemma2", "gemma3_text"})


def read_shape(folder: Path) -> ModelConfig:
    """Return the shape of the decoder in `folder`.

    Raises `OSError`, `ValueError`, `KeyError` or `TypeError` where there is none that we know.
    """
    given = json.loads((folder / "config.json").read_bytes())
    if not isinstance(given, dict):
        raise TypeError("config.json is no JSON object")
    return shape_of(given)


def shape_of(given: Mapping[str, Any]) -> ModelConfig:
    """Return the shape of the decoder with this config.json, as that of a Llama of its size.

    Raises `ValueError`, `KeyError` or `TypeError` where it is none that we know.
    """
    if any((given.get(name) or 0) > 1 for name in _EXPERTS):
        raise ValueError("a mixture of experts has another size than its layers say")
    return ModelConfig(
        hidden_size=_first(given, _WIDTH),
        layers=_first(given, _LAYERS),
        heads=_first(given, _HEADS),
        kv_heads=given.get("num_key_value_heads"),
        intermediate_size=next((given[name] for name in _INNER if given.get(name)), None),
        vocab_size=given["vocab_size"],
        tie_embeddings=given.get("tie_word_embeddings", given.get("model_type") in _TIED),
    )


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((given[name] for name in names if name in given), None)
