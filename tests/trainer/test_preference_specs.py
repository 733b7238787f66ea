"""What a spec may ask of learning from preferences, and what that will take."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.drafting import method_in_words
from tests.trainer.preferred import preference_spec
from tests.trainer.small import small_spec
from trainer.contract.estimate import estimate
from trainer.contract.recipe import expand, find_recipe
from trainer.contract.spec import RunSpec, canonical_json


@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        ("sft", {"preference": {"beta": 0.2}}, "sft has no use of it"),
        ("kto", {"preference": {"loss": "ipo"}}, "kto has a loss of its own"),
        ("kto", {"preference": {"label_smoothing": 0.1}}, "kto has a loss of its own"),
        ("dpo", {"preference": {"desirable_weight": 2}}, "are of kto"),
        ("dpo", {"preference": {"undesirable_weight": 2}}, "are of kto"),
        ("dpo", {"preference": {"label_smoothing": 0.1}}, "set preference.loss to robust"),
        ("dpo", {"preference": {"loss": "robust"}}, "needs preference.label_smoothing"),
        (
            "dpo",
            {"model": {"config": {"hidden_size": 32, "layers": 1, "heads": 1}}},
            "model.source",
        ),
        ("kto", {"batch": {"tokens_per_step": 100}}, "smaller than one row of kto"),
        ("dpo", {"goal": {"metric": "eval_perplexity", "below": 9}}, "dpo has no perplexity"),
        ("dpo", {"compute": {"sharding": "full"}}, "not for dpo"),
    ],
)
def test_what_does_not_fit_to_the_method_is_refused_in_a_sentence(
    method: str, changes: dict[str, Any], said: str
) -> None:
    make = small_spec if method == "sft" else preference_spec
    arguments = () if method == "sft" else (method,)
    with pytest.raises(ValidationError, match=said):
        make(*arguments, **changes)


def test_every_token_is_not_compared() -> None:
    data = {"train": {"uri": "pairs.jsonl"}, "max_length": 64, "loss_on": "all"}
    with pytest.raises(ValidationError, match="compares answers only"):
        preference_spec("dpo", data=data)


def test_a_spec_of_preferences_is_read_as_it_was_written() -> None:
    spec = preference_spec("dpo", preference={"beta": 0.3})
    assert RunSpec.model_validate_json(canonical_json(spec)) == spec


@pytest.mark.parametrize(("name", "more"), [("tiny-dpo", 8 / 6), ("tiny-kto", 12 / 6)])
def test_reading_by_the_base_model_is_counted(name: str, more: float) -> None:
    """2 for each weight and forward pass, 4 for a backward pass: arXiv:2001.08361."""
    recipe = find_recipe(name)
    body = recipe.spec.model_dump(mode="json")
    body |= {"method": "pretrain", "preference": {}, "data": {**body["data"], "loss_on": "all"}}
    plain = RunSpec.model_validate(body)
    assert estimate(recipe.spec).flops == pytest.approx(more * estimate(plain).flops, rel=0.01)
    assert estimate(recipe.spec).memory_bytes >= estimate(plain).memory_bytes


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("tiny-dpo", "full", "Fine-tuning of recipe:tiny-sft by preferences between answers (DPO)"),
        ("tiny-kto", "lora", "LoRA fine-tuning of recipe:tiny-sft by judged answers (KTO)"),
    ],
)
def test_the_plan_names_the_method(name: str, kind: str, words: str) -> None:
    spec = expand(find_recipe(name), {"tuning.kind": kind})
    assert method_in_words(spec) == words
