"""Build a model from its shape or load a base model, with our attention; say how LoRA tunes it."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerBase

from trainer import attention
from trainer.contract.spec import ModelConfig, RunSpec, Tuning
from trainer.errors import BadSpecError

ATTENTION_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]


def make_model(spec: RunSpec, tokenizer: PreTrainedTokenizerBase, base: Path | None) -> Any:
    """Return the model that a run begins with."""
    if base is not None:
        return load_model(base, max_length=spec.data.max_length)
    assert spec.model.config is not None
    return build_model(spec.model.config, tokenizer, max_length=spec.data.max_length)


def build_model(shape: ModelConfig, tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Any:
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
        config, attn_implementation=attention.register(), dtype=torch.float32
    )


def load_model(folder: Path, *, max_length: int) -> Any:
    """Return the base model in fp32: adapters and optimizer states need its precision."""
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation=attention.register(),
            local_files_only=True,
        )
    except (OSError, ValueError) as error:
        raise BadSpecError(
            f"The base model in {folder} cannot be loaded: {error}",
            remedy="Choose another base model, or copy this one again.",
        ) from error
    longest = model.config.max_position_embeddings
    if max_length > longest:
        raise BadSpecError(
            f"data.max_length is {max_length}, and the base model knows positions up to {longest}.",
            remedy=f"Set data.max_length to {longest} or less.",
        )
    return model


def lora_config(tuning: Tuning) -> LoraConfig | None:
    """Return how PEFT is to wrap the model, or None when all weights learn."""
    if tuning.kind == "full":
        return None
    return LoraConfig(
        r=tuning.r,
        lora_alpha=tuning.alpha,
        lora_dropout=tuning.dropout,
        target_modules="all-linear" if tuning.targets == "all-linear" else ATTENTION_TARGETS,
        task_type="CAUSAL_LM",
    )
