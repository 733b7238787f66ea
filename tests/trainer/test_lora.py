"""Low-rank adapters: few weights learn, and the merged model says what the adapted one said."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.trainer.conftest import SmallRun
from tests.trainer.small import context_of, small_spec, write_colours
from trainer.__main__ import main
from trainer.attempt import Attempt, attempt_of
from trainer.base import Places, base_shape, find_base, newest_run, whole_model
from trainer.carrying_out import carry_out
from trainer.contract.azure_job import IMAGE_VARIABLE
from trainer.contract.counts import lora_parameter_count
from trainer.contract.exporting import Export
from trainer.contract.progress import ResultLine
from trainer.contract.spec import ModelSpec, Optim, RunSpec
from trainer.data.gather import gather
from trainer.errors import BadSpecError, ExportError, TrainerError
from trainer.export import Base, Parcel, export, logits
from trainer.lineage import changes, read_lineage
from trainer.loop import Ingredients
from trainer.weights import model_hash

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
LORA = {"kind": "lora", "r": 4, "alpha": 8, "dropout": 0.1}


def cores() -> int:
    return len(os.sched_getaffinity(0))


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
    export(model, tmp_path / "model", Parcel(tokenizer, "", tokens))
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
        export(model, folder, Parcel(attempt.loop.tokenizer, "", tokens))
    assert not folder.exists()


def breaks_tokenizer(attempt: Attempt, tokens: torch.Tensor) -> Parcel:
    class Forgets(type(attempt.loop.tokenizer)):  # type: ignore[misc]
        def save_pretrained(self, folder: Any, **options: Any) -> Any:
            done = super().save_pretrained(folder, **options)
            (Path(folder) / "chat_template.jinja").write_text("{{ messages[0].role }}")
            return done

    tokenizer = attempt.loop.tokenizer
    tokenizer.__class__ = Forgets
    return Parcel(tokenizer, "", tokens)


def breaks_generation(attempt: Attempt, tokens: torch.Tensor) -> Parcel:
    attempt.trainer.model.get_base_model().generation_config.max_time = "soon"
    return Parcel(attempt.loop.tokenizer, "", tokens)


@pytest.mark.parametrize(
    ("harm", "said"),
    [(breaks_tokenizer, "encodes a prompt otherwise"), (breaks_generation, "cannot be used")],
)
def test_a_written_model_that_does_not_answer_is_not_kept(
    small_run: SmallRun, base: Path, tmp_path: Path, harm: Any, said: str
) -> None:
    attempt = adapted(small_run, base, tmp_path)
    parcel = harm(attempt, torch.arange(5, 25)[None])
    with pytest.raises(ExportError, match=said) as caught:
        export(attempt.trainer.model, tmp_path / "model", parcel)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "model").exists()


def test_adapters_that_stay_apart_name_their_base_and_speak_through_it(
    small_run: SmallRun,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_colours(tmp_path, answer="Surely {}, or so they say")
    monkeypatch.setenv(IMAGE_VARIABLE, "registry.example/trainer@sha256:" + "ab" * 32)
    optim = Optim(lr=0.01, seed=7)
    spec = lora_spec().model_copy(update={"export": Export(merge=False), "optim": optim})
    context = context_of(spec, tmp_path)
    result = carry_out(context, gather(spec, tmp_path), base)
    folder = context.model_folder
    assert not (folder / "model.safetensors").exists()
    assert (folder / "adapter_model.safetensors").stat().st_size < 2**17
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "run:run-20261123-small2"
    assert "PeftModel.from_pretrained" in (folder / "README.md").read_text()
    known = read_lineage(folder)
    assert changes(folder, known) == []
    assert known.image == "registry.example/trainer@sha256:" + "ab" * 32
    assert (known.base_sha256, known.seed) == (model_hash(base), 7)
    assert (known.hardware.cores, known.hardware.threads) == (cores(), torch.get_num_threads())
    assert result.model_sha256 == model_hash(folder)
    with pytest.raises(BadSpecError, match="an adapter alone"):
        whole_model(folder, "run:x")
    monkeypatch.setenv("KRSP_HOME", str(small_run.home))
    monkeypatch.setenv("KRSP_WORKDIR", str(tmp_path))
    assert main(["evaluate", str(folder), "--json", "--compare-base"]) == 0
    judged = ResultLine.model_validate_json(capsys.readouterr().out.splitlines()[-1])
    assert judged.eval_loss == pytest.approx(result.eval_loss, rel=1e-4)
    assert judged.first_eval_loss == pytest.approx(result.first_eval_loss, rel=1e-4)


def test_adapters_of_a_quantised_base_are_merged_into_its_full_weights(
    small_run: SmallRun, base: Path, tmp_path: Path
) -> None:
    attempt = adapted(small_run, base, tmp_path)
    model, tokens = attempt.trainer.model, torch.arange(5, 25)[None]
    expected = logits(model, tokens)
    inner = model.get_base_model()
    inner.quantization_method = "bitsandbytes"
    with torch.no_grad():  # as if rounded to few bits
        inner.model.layers[0].mlp.up_proj.base_layer.weight.mul_(0.5)
    parcel = Parcel(attempt.loop.tokenizer, "", tokens)
    export(model, tmp_path / "model", parcel, base=Base(base, "run:x"))
    merged = logits(AutoModelForCausalLM.from_pretrained(tmp_path / "model"), tokens)
    assert torch.allclose(merged, expected, atol=1e-4)


def test_keeping_adapters_apart_is_refused_where_there_are_none() -> None:
    with pytest.raises(ValueError, match=r"tuning\.kind full has none"):
        small_spec(export={"merge": False})


def test_a_base_is_found_by_run_by_recipe_and_by_folder(small_run: SmallRun, base: Path) -> None:
    said: list[str] = []
    for source in ("run:run-20261123-small2", "recipe:small", str(base)):
        places = Places(small_run.home, Path("/"), small_run.home)
        found = find_base(ModelSpec(source=source), places, said.append)
        assert found == base
    assert said == ["the base model recipe:small is that of run-20261123-small2"]


@pytest.mark.parametrize("source", ["run:run-20261123-none22", "pypi:other", "no/such/folder"])
def test_a_base_that_is_not_there_is_refused_by_name(tmp_path: Path, source: str) -> None:
    with pytest.raises(BadSpecError, match=source):
        find_base(ModelSpec(source=source), Places(tmp_path, tmp_path, tmp_path), print)


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
