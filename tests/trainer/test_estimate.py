"""Estimates agree with the real model, and follow what the spec says."""

import pytest
import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from tests.trainer.small import small_spec
from trainer.contract.counts import lora_parameter_count, parameter_count
from trainer.contract.estimate import (
    SMOLLM2_135M,
    UNKNOWN_TOKENS,
    Throughput,
    estimate,
)
from trainer.contract.recipe import expand, find_recipe, recipes
from trainer.contract.spec import ModelConfig
from trainer.model import lora_config

SHAPES = [
    ModelConfig(hidden_size=64, layers=2, heads=4, vocab_size=512),
    ModelConfig(
        hidden_size=96,
        layers=3,
        heads=6,
        kv_heads=2,
        intermediate_size=100,
        vocab_size=300,
        tie_embeddings=False,
    ),
    SMOLLM2_135M,
]
# PEFT 0.21 asks transformers by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

LORA = {"kind": "lora", "r": 8}
BASED = {"source": "folder", "config": SHAPES[1].model_dump()}


def real_model(shape: ModelConfig) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size or 4 * shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        tie_word_embeddings=shape.tie_embeddings,
    )
    with torch.device("meta"):
        return LlamaForCausalLM(config)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_parameter_count_is_the_real_models(shape: ModelConfig) -> None:
    assert parameter_count(shape) == real_model(shape).num_parameters()


@pytest.mark.parametrize("targets", ["all-linear", "attention"])
def test_the_adapter_count_is_that_of_peft(targets: str) -> None:
    spec = small_spec(tuning={**LORA, "targets": targets}, model=BASED)
    plain = real_model(SHAPES[1])
    model = get_peft_model(plain, lora_config(spec.tuning, plain))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert lora_parameter_count(SHAPES[1], spec) == trained
    assert estimate(spec).trained_parameters == trained


@pytest.mark.parametrize(
    ("budget", "steps", "tokens"),
    [
        ({"steps": 10}, 10, 5_120),
        ({"tokens": 1_000}, 2, 1_000),
        ({"epochs": 2}, 40, 20_000),
    ],
)
def test_steps_and_tokens_follow_from_whichever_end_is_set(
    budget: dict[str, float], steps: int, tokens: int
) -> None:
    found = estimate(small_spec(budget=budget), data_tokens=10_000)
    assert (found.steps, found.tokens) == (steps, tokens)


def test_earlier_runs_replace_the_table_and_narrow_the_range() -> None:
    spec = small_spec()
    table = estimate(spec, cores=2)
    seen = estimate(spec, seen=Throughput(tokens_per_s=100.0, runs=3), cores=2)
    assert "3 earlier runs" in seen.basis
    assert seen.seconds > spec.budget.steps * 512 / 100
    assert seen.seconds_high / seen.seconds < table.seconds_high / table.seconds


def test_more_cores_are_faster_and_a_time_limit_bounds_the_estimate() -> None:
    spec = expand(find_recipe("tiny-pretrain"), {"steps": 5000})
    limited = expand(find_recipe("tiny-pretrain"), {"steps": 5000, "hours": 0.01})
    assert estimate(spec, cores=8).seconds < estimate(spec, cores=2).seconds
    assert estimate(limited, cores=2).seconds_high < 36 + 60 < estimate(spec, cores=2).seconds_high


def test_a_model_that_does_not_fit_is_warned_of_with_both_numbers() -> None:
    shape = {"hidden_size": 8192, "layers": 80, "heads": 64}
    spec = small_spec(model={"config": shape}, compute={"sku": "Standard_NC4as_T4_v3"})
    (warning,) = estimate(spec).warnings
    assert "17.2 GB" in warning
    assert "Standard_NC4as_T4_v3" in warning


def test_data_of_unknown_size_is_said_to_be_unknown() -> None:
    found = estimate(small_spec(budget={"epochs": 1}))
    assert found.tokens == UNKNOWN_TOKENS
    assert "not known" in found.warnings[0]
    assert found.seconds_low < found.seconds / 3


def test_a_base_of_unknown_shape_is_not_guessed() -> None:
    spec = small_spec(model={"source": "run:run-20261123-a2b3c4"})
    assert estimate(spec).memory_bytes == 0
    assert "not known" in estimate(spec).warnings[0]
    assert estimate(spec, base=SHAPES[0]).parameters == parameter_count(SHAPES[0])


def test_a_recipe_as_base_gives_its_shape() -> None:
    tuned = find_recipe("tiny-lora").spec
    base = find_recipe("tiny-pretrain").spec.model.config
    assert base is not None
    assert estimate(tuned).parameters == parameter_count(base)


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_has_an_estimate_on_a_gpu_and_here(name: str) -> None:
    here = estimate(find_recipe(name).spec, cores=2)
    gpu = expand(find_recipe(name), {"sku": "Standard_NC24ads_A100_v4"})
    assert 0 < here.seconds_low < here.seconds < here.seconds_high
    assert here.parameters > 0
    assert estimate(gpu).warnings == ()
