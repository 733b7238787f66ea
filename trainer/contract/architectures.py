"""What each architecture of a model allows: sequences packed into one row, the fused loss.

Packing needs attention that can be told where a sequence ends, which recurrent layers and windows
of attention cannot; the fused loss needs an output layer that is one matrix and nothing more.
Where one of them is not allowed a run is slower, not wrong: rows are padded, logits are whole.

Read from the modelling files of transformers 5.23, and held against each of them by
tests/trainer/test_architectures.py. An architecture that is not named here gets neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Full causal attention with rotary positions in every layer.
FULL_ATTENTION = frozenset(
    {
        *("arcee", "cohere", "cohere2", "ernie4_5", "exaone4", "gemma", "glm", "glm4", "gpt_neox"),
        *("granite", "helium", "hunyuan_v1_dense", "llama", "mistral", "mixtral", "olmo", "olmo2"),
        *("olmo3", "phi", "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "seed_oss"),
        *("smollm3", "starcoder2"),
    }
)
# Their output layer is more than a matrix.
OTHER_HEAD = {
    "cohere": "its logits are scaled",
    "cohere2": "its logits are scaled",
    "granite": "its logits are scaled",
    "phi": "its output layer has a bias",
}
WHY_NOT = {
    "gemma2": "its attention has windows and capped scores",
    "gemma3_text": "its attention has windows",
    **dict.fromkeys(
        ("gpt2", "nemotron", "stablelm", "opt"), "its layers do not hear where a sequence ends"
    ),
    "gpt_oss": "its attention has windows and sinks",
    **dict.fromkeys(("mamba", "mamba2", "falcon_mamba", "rwkv"), "it is recurrent"),
    **dict.fromkeys(
        ("recurrent_gemma", "jamba", "zamba2", "bamba", "qwen3_next", "lfm2"),
        "some of its layers are recurrent",
    ),
}


@dataclass(frozen=True)
class Architecture:
    """What a model's architecture allows. `why` is a sentence where it does not allow all."""

    packs: bool = True
    has_plain_head: bool = True
    why: str = ""


def architecture_of(config: Mapping[str, Any]) -> Architecture:
    """Return what the model of this `config.json` allows."""
    kind = str(config.get("model_type", ""))
    if kind not in FULL_ATTENTION:
        why = WHY_NOT.get(kind, "it is not among the architectures that were checked")
        return Architecture(packs=False, has_plain_head=False, why=_padded(kind, why))
    has_plain_head = kind not in OTHER_HEAD
    if _has_windows(config):
        why = _padded(kind, "this model's attention has windows")
        return Architecture(packs=False, has_plain_head=has_plain_head, why=why)
    if has_plain_head:
        return Architecture()
    return Architecture(
        has_plain_head=False, why=f"`{kind}` needs whole logits: {OTHER_HEAD[kind]}."
    )


# How the classes of causal language models end in transformers, as `config.json` names them.
_CAUSAL = ("ForCausalLM", "LMHeadModel")


def config_fault(config: Mapping[str, Any]) -> str | None:
    """Return how the sentence goes on that begins with the model's name, or None for a good one.

    `config` is the model's config.json. No code that a model brings is run.
    """
    if "model_type" not in config:
        if "auto_map" in config:
            return "brings code of its own, which is not run here."
        return "does not say in its config.json of which architecture it is (model_type)."
    classes = [str(name) for name in config.get("architectures") or ()]
    if classes and not any(name.endswith(_CAUSAL) for name in classes):
        return f"is a {classes[0]}, and only causal language models are trained here."
    return None


def _padded(kind: str, why: str) -> str:
    return f"`{kind}` trains on padded rows: {why}."


def _has_windows(config: Mapping[str, Any]) -> bool:
    layers = config.get("layer_types")
    if layers is not None:
        return any(layer != "full_attention" for layer in layers)
    return config.get("sliding_window") is not None and config.get("use_sliding_window", True)
