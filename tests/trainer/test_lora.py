"""Low-rank adapters: few weights learn, and the merged model says what the adapted one said."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.trainer.conftest import SmallRun
from tests.trainer.small import context_of, small_spec, write_colours
from trainer.attempt import Attempt, attempt_of
from trainer.base import base_shape, find_base, newest_run
from trainer.carrying_out import carry_out
from trainer.contract.counts import lora_parameter_count
from trainer.contract.spec import RunSpec
from trainer.data.gather import gather
from trainer.errors import BadSpecError, TrainerError
from trainer.export import export, logits
from trainer.loop import Ingredients

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
LORA = {"kind": "lora", "r": 4, "alpha": 8, "dropout": 0.1}


def lora_spec(source: str = "run:run-20261123-small2") -> RunSpec:
    return small_spec(
        model={"source": source}, tuning=LORA, budget={"steps": 12}, checkpoint={"every_steps": 6}
    )


@pytest.fixture
def base(small_run: SmallRun) -> Path:
    return small_run.output / "model"


def adapted(small_run: SmallRun, base: Path, folder: Path) -> Attempt:
    context = context_of(lora_spec(), folder)
    return attempt_of(Ingredients(context, gather(context.spec, small_run.home), base))


def test_a_lora_run_lowers_the_loss_of_its_base_and_merges(
    small_run: SmallRun, base: Path, tmp_path: Path
) -> None:
    write_colours(tmp_path, answer="Surely {}, or so they say")
    context = context_of(lora_spec(), tmp_path)
    result = carry_out(context, gather(context.spec, tmp_path), base)
    assert result.first_eval_loss > 2.5
    assert result.eval_loss < 0.8 * result.first_eval_loss
    old, new = (load_file(path / "model.safetensors") for path in (base, context.model_folder))
    assert old.keys() == new.keys()
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed == {name for name in old if "_proj" in name}


def test_only_the_adapters_learn(small_run: SmallRun, base: Path, tmp_path: Path) -> None:
    model = adapted(small_run, base, tmp_path).trainer.model
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == lora_parameter_count(base_shape(base), lora_spec())


def test_the_merged_model_gives_the_adapted_models_logits(
    small_run: SmallRun, base: Path, tmp_path: Path
) -> None:
    attempt = adapted(small_run, base, tmp_path)
    model, tokenizer = attempt.trainer.model, attempt.loop.tokenizer
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    tokens = torch.arange(5, 25)[None]
    expected = logits(model, tokens)
    plain = logits(AutoModelForCausalLM.from_pretrained(base), tokens)
    export(model, tokenizer, tmp_path / "model", card="", tokens=tokens)
    merged = logits(AutoModelForCausalLM.from_pretrained(tmp_path / "model"), tokens)
    assert torch.allclose(merged, expected, atol=1e-4)
    assert not torch.allclose(merged, plain, atol=1e-2)


def test_a_written_model_that_differs_is_not_kept(
    small_run: SmallRun, base: Path, tmp_path: Path
) -> None:
    attempt = adapted(small_run, base, tmp_path)
    model = attempt.trainer.model
    merge = model.merge_and_unload

    def merge_wrongly() -> Any:
        merged = merge()
        with torch.no_grad():
            merged.model.layers[0].mlp.up_proj.weight.mul_(2)
        return merged

    model.merge_and_unload = merge_wrongly
    folder, tokens = tmp_path / "model", torch.arange(5, 25)[None]
    with pytest.raises(TrainerError, match="differs from the trained one"):
        export(model, attempt.loop.tokenizer, folder, card="", tokens=tokens)
    assert not (tmp_path / "model").exists()


def test_a_base_is_found_by_run_by_recipe_and_by_folder(small_run: SmallRun, base: Path) -> None:
    said: list[str] = []
    for source in ("run:run-20261123-small2", "recipe:small", str(base)):
        found = find_base(
            source,
            home=small_run.home,
            workdir=Path("/"),
            cache=small_run.home,
            say=said.append,
        )
        assert found == base
    assert said == ["the base model recipe:small is that of run-20261123-small2"]


@pytest.mark.parametrize("source", ["run:run-20261123-none22", "pypi:other", "no/such/folder"])
def test_a_base_that_is_not_there_is_refused_by_name(tmp_path: Path, source: str) -> None:
    with pytest.raises(BadSpecError, match=source):
        find_base(source, home=tmp_path, workdir=tmp_path, cache=tmp_path, say=print)


def test_a_recipe_without_a_finished_run_says_which_to_start(tmp_path: Path) -> None:
    with pytest.raises(BadSpecError) as caught:
        newest_run("tiny-pretrain", tmp_path)
    assert "train tiny-pretrain" in caught.value.remedy


def test_a_length_beyond_the_bases_positions_is_refused(
    small_run: SmallRun, base: Path, tmp_path: Path
) -> None:
    spec = lora_spec().model_copy(
        update={"data": lora_spec().data.model_copy(update={"max_length": 128})}
    )
    context = context_of(spec, tmp_path)
    with pytest.raises(BadSpecError, match="positions up to 64"):
        carry_out(context, gather(spec, small_run.home), base)
