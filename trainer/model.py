"""Build a model from its shape or load a base model, with our attention; say how LoRA tunes it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D

from trainer import attention
from trainer.base import checked_config
from trainer.contract.architectures import Architecture, architecture_of
from trainer.contract.spec import ModelConfig, RunSpec, Tuning
from trainer.errors import BadSpecError

AMPERE = (8, 0)
# A module of attention is called attn, self_attn, self_attention or attention.
_ATTENTION = re.compile(r"attn|attention")


@dataclass(frozen=True)
class Model:
    """A model to train, and what its architecture and this machine let it do."""

    module: Any
    allows: Architecture


def make_model(spec: RunSpec, tokenizer: PreTrainedTokenizerBase, base: Path | None) -> Model:
    """Return the model that a run begins with."""
    if base is not None:
        return load_model(base, max_length=spec.data.max_length)
    assert spec.model.config is not None
    allows = on_this_machine(architecture_of({"model_type": "llama"}))
    module = build_model(
        spec.model.config, tokenizer, max_length=spec.data.max_length, allows=allows
    )
    return Model(module, allows)


def on_this_machine(allows: Architecture) -> Architecture:
    """Return what is left of it here: CUDA's variable-length attention needs Ampere or newer."""
    if not allows.packs or not torch.cuda.is_available():
        return allows
    if torch.cuda.get_device_capability() >= AMPERE:
        return allows
    name = torch.cuda.get_device_name()
    why = f"Rows are padded: a {name} has no variable-length attention."
    return replace(allows, packs=False, why=why)


def build_model(
    shape: ModelConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    allows: Architecture,
) -> Any:
    """Return a Llama-style decoder with fresh weights, drawn from torch's current seed.

    Its vocabulary has `shape.vocab_size` entries even where the data gave the tokenizer fewer,
    so that the number of parameters is what the estimate said.
    """
    config = LlamaConfig(
        vocab_size=max(shape.vocab_size, len(tokenizer)),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size or 4 * shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        max_position_embeddings=max_length,
        tie_word_embeddings=shape.tie_embeddings,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return AutoModelForCausalLM.from_config(
        config, attn_implementation=_attention(allows), dtype=torch.float32
    )


def load_model(folder: Path, *, max_length: int) -> Model:
    """Return the base model in fp32: adapters and optimizer states need its precision.

    Weights come from safetensors alone, and no code of the model's own is run: a pickle and a
    model's `modeling_*.py` can do anything on the machine that loads them.
    """
    config = checked_config(folder)
    allows = on_this_machine(architecture_of(config))
    try:
        module = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation=_attention(allows),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError) as error:
        raise BadSpecError(
            f"The base model in {folder} cannot be loaded: {error}",
            remedy="Choose another base model, or copy this one again.",
        ) from error
    longest = getattr(module.config, "max_position_embeddings", None)
    if longest is not None and max_length > longest:
        raise BadSpecError(
            f"data.max_length is {max_length}, and the base model knows positions up to {longest}.",
            remedy=f"Set data.max_length to {longest} or less.",
        )
    return Model(module, allows)


def _attention(allows: Architecture) -> str | None:
    """Return the name of ours, or None for what transformers thinks best for the model."""
    return attention.register() if allows.packs else None


def lora_config(tuning: Tuning, model: Any) -> LoraConfig | None:
    """Return how PEFT is to wrap the model, or None when all weights learn."""
    if tuning.kind == "full":
        return None
    targets = "all-linear" if tuning.targets == "all-linear" else attention_layers(model)
    return LoraConfig(
        r=tuning.r,
        lora_alpha=tuning.alpha,
        lora_dropout=tuning.dropout,
        target_modules=targets,
        # GPT-2's layers keep their weights transposed.
        fan_in_fan_out=any(isinstance(layer, Conv1D) for layer in model.modules()),
        task_type="CAUSAL_LM",
    )


def attention_layers(model: Any) -> list[str]:
    """Return the last names of the linear layers inside the model's attention modules."""
    linear = (torch.nn.Linear, Conv1D)
    found = {
        name.rpartition(".")[2]
        for name, layer in model.named_modules()
        if isinstance(layer, linear) and _ATTENTION.search(name)
    }
    if not found:
        raise BadSpecError(
            f"`{model.config.model_type}` has no attention layers to put adapters on.",
            remedy="Set tuning.targets to all-linear.",
        )
    return sorted(found)
