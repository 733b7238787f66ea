"""Read a model's shape from the `config.json` that transformers writes beside its weights."""

import json
from pathlib import Path

from trainer.contract.spec import ModelConfig


def read_shape(folder: Path) -> ModelConfig:
    """Return the shape of the Llama-style decoder in `folder`.

    Raises `OSError`, `ValueError`, `KeyError` or `TypeError` where there is none that we know.
    """
    given = json.loads((folder / "config.json").read_bytes())
    return ModelConfig(
        hidden_size=given["hidden_size"],
        layers=given["num_hidden_layers"],
        heads=given["num_attention_heads"],
        kv_heads=given.get("num_key_value_heads"),
        intermediate_size=given["intermediate_size"],
        vocab_size=given["vocab_size"],
        tie_embeddings=given.get("tie_word_embeddings", False),
    )
