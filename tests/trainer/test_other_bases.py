"""Base models of other makes: trained on padded rows, and never by running what they bring."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, GPT2Config, GraniteConfig

from tests.trainer.conftest import SmallRun
from tests.trainer.small import context_of, read_progress, small_spec, write_colours
from trainer.base import whole_model
from trainer.carrying_out import carry_out
from trainer.data.gather import gather
from trainer.errors import BadSpecError
from trainer.model import attention_layers
from trainer.tokens.tokenizer import load_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
LORA = {"kind": "lora", "r": 4, "alpha": 8, "targets": "attention"}


def gpt2(size: int, **special: int | None) -> Any:
    return GPT2Config(vocab_size=size, n_positions=64, n_embd=32, n_layer=2, n_head=2, **special)


def granite(size: int, **special: int | None) -> Any:
    return GraniteConfig(
        vocab_size=size,
        max_position_embeddings=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        logits_scaling=2.0,
        **special,
    )


Make = Callable[..., Any]


def base_of(make: Make, small_run: SmallRun, folder: Path) -> Path:
    """Write a base model with random weights and the tokenizer of the small run."""
    tokenizer = load_tokenizer(small_run.output / "model")
    torch.manual_seed(0)
    config = make(
        len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("make", "why"),
    [(gpt2, "`gpt2` trains on padded rows"), (granite, "`granite` needs whole logits")],
)
@pytest.mark.parametrize(("tuning", "share"), [({"kind": "full"}, 0.9), (LORA, 0.99)])
def test_a_base_of_another_make_learns_and_its_run_says_how(  # noqa: PLR0917
    make: Make, why: str, tuning: dict[str, Any], share: float, small_run: SmallRun, tmp_path: Path
) -> None:
    base = base_of(make, small_run, tmp_path / "base")
    write_colours(tmp_path)
    spec = small_spec(
        model={"source": "base"}, tuning=tuning, budget={"steps": 12}, optim={"lr": 0.02}
    )
    context = context_of(spec, tmp_path)
    result = carry_out(context, gather(spec, tmp_path), base)
    assert result is not None
    assert result.eval_loss < share * result.first_eval_loss
    notes = [line.note for line in read_progress(context.output) if line.kind == "phase"]
    assert any(note.startswith(why) for note in notes)
    assert load_file(context.model_folder / "model.safetensors")


def test_tokens_that_fill_a_padded_row_are_not_counted(small_run: SmallRun, tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = small_spec(model={"source": "base"}, budget={"epochs": 1})
    context = context_of(spec, tmp_path)
    base = base_of(gpt2, small_run, tmp_path / "base")
    result = carry_out(context, gather(spec, tmp_path), base)
    (data,) = [line for line in read_progress(context.output) if line.kind == "data"]
    assert result is not None
    assert result.tokens == data.tokens


def test_adapters_on_attention_find_its_layers_under_any_name() -> None:
    assert attention_layers(AutoModelForCausalLM.from_config(gpt2(97))) == ["c_attn", "c_proj"]
    found = attention_layers(AutoModelForCausalLM.from_config(granite(97)))
    assert found == ["k_proj", "o_proj", "q_proj", "v_proj"]


def test_weights_in_a_pickle_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(BadSpecError, match="no weights as safetensors") as caught:
        whole_model(tmp_path, "base")
    assert "pickle" in caught.value.remedy


def test_code_that_a_model_brings_is_not_run(tmp_path: Path) -> None:
    config = {"auto_map": {"AutoModelForCausalLM": "modeling_mine.Mine"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(BadSpecError, match="brings code of its own"):
        whole_model(tmp_path, "base")
