"""DPO and KTO: better answers become likelier, exactly resumable, with TRL's own figures."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.conftest import SmallRun
from tests.trainer.preferred import attempt, ingredients, preference_spec, write_preferences
from trainer.carrying_out import carry_out
from trainer.contract.progress import ResultLine
from trainer.data.gather import gather
from trainer.data.rows import Labelled, Message, Pair
from trainer.errors import BadDataError
from trainer.judge import judging, moved
from trainer.tokens.answers import encode_answers
from trainer.tokens.padding import even_bins
from trainer.tokens.tokenizer import load_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
LORA = {"kind": "lora", "r": 8, "dropout": 0.2}
LOSSES = (
    {"loss": "sigmoid"},
    {"loss": "hinge"},
    {"loss": "ipo"},
    {"loss": "robust", "label_smoothing": 0.2},
)


@pytest.fixture
def base(small_run: SmallRun) -> Path:
    return small_run.output / "model"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_preferences(tmp_path)
    return tmp_path


def run(spec: Any, folder: Path, base: Path) -> ResultLine:
    made = ingredients(spec, folder, base)
    result = carry_out(made.context, made.gathered, base)
    assert result is not None
    return result


@pytest.mark.parametrize("tuning", [{"kind": "full"}, LORA], ids=["full", "lora"])
def test_dpo_tells_the_better_answer_from_the_worse(
    folder: Path, base: Path, tuning: dict[str, Any]
) -> None:
    result = run(preference_spec("dpo", tuning=tuning), folder, base)
    assert result.first_eval_loss == pytest.approx(0.6931, abs=1e-4)  # ln 2: none is preferred
    assert result.first_metrics == {"accuracy": 0.0, "margin": pytest.approx(0.0, abs=1e-4)}
    assert result.eval_loss < 0.55
    assert result.metrics["accuracy"] >= 0.9
    assert result.eval_perplexity is None


@pytest.mark.parametrize("tuning", [{"kind": "full"}, LORA], ids=["full", "lora"])
def test_kto_tells_good_answers_from_bad_ones(
    folder: Path, base: Path, tuning: dict[str, Any]
) -> None:
    result = run(preference_spec("kto", tuning=tuning), folder, base)
    assert result.first_eval_loss == pytest.approx(0.5, abs=1e-4)
    assert result.eval_loss < 0.47
    assert result.metrics["margin"] > 0.15
    assert result.metrics["good_reward"] > result.metrics["bad_reward"]


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_a_resumed_run_ends_with_the_weights_of_the_uninterrupted_one(
    folder: Path, base: Path, method: str
) -> None:
    """With dropout, in a second epoch, and the base model asked anew."""
    spec = preference_spec(method, tuning=LORA)
    whole = run(spec, folder, base)
    first = load_file(folder / "output/model/model.safetensors")
    shutil.rmtree(folder / "output/model")
    for step in (12, 16):
        shutil.rmtree(folder / f"output/checkpoints/step-{step:08d}")
    (folder / "output/report.json").unlink()
    again = run(spec, folder, base)
    second = load_file(folder / "output/model/model.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (again.eval_loss, again.metrics) == (whole.eval_loss, whole.metrics)


@pytest.mark.parametrize("preference", LOSSES, ids=lambda found: found["loss"])
def test_dpo_is_judged_as_trl_judges(folder: Path, base: Path, preference: dict[str, Any]) -> None:
    found = attempt(preference_spec("dpo", preference=preference), folder, base)
    disturb(found.trainer.model)
    loss, figures = of_trl(found)
    ours = found.loop.judge(found.trainer.model)
    assert ours["loss"] == pytest.approx(loss, rel=1e-5)
    assert ours["accuracy"] == pytest.approx(figures["rewards/accuracies"])
    assert ours["margin"] == pytest.approx(figures["rewards/margins"], rel=1e-4)
    assert abs(ours["margin"]) > 0.01


def test_kto_is_judged_as_trl_judges(folder: Path, base: Path) -> None:
    weights = {"desirable_weight": 1.5, "undesirable_weight": 0.5}
    found = attempt(preference_spec("kto", preference=weights), folder, base)
    disturb(found.trainer.model)
    loss, _ = of_trl(found)
    assert found.loop.judge(found.trainer.model)["loss"] == pytest.approx(loss, rel=1e-5)


def disturb(model: Any) -> None:
    """Move the model away from its base."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))


def of_library(trainer: Any) -> Any:
    """Return TRL's class, without what goes in front of it."""
    return next(kind for kind in type(trainer).__mro__ if kind.__module__.startswith("trl."))


def of_trl(found: Any) -> tuple[float, dict[str, float]]:
    """Return TRL's loss and figures of the held-out rows, averaged over rows."""
    trainer, batches = found.trainer, found.loop._held_out
    library = of_library(trainer)
    loss, count, figures = 0.0, 0, dict[str, float]()
    with judging(trainer.model):
        for number in range(len(batches.bins)):
            batch = moved(batches([{"bin": number}]), trainer.args.device)
            rows = len(batch.pop("rows"))
            del batch["row_tokens"]
            loss += rows * library.compute_loss(trainer, trainer.model, batch).item()
            for name, values in trainer._metrics["eval"].items():
                figures[name] = figures.get(name, 0.0) + rows * values[-1]
            count += rows
    return loss / count, {name: value / count for name, value in figures.items()}


def test_each_row_of_a_step_weighs_the_same_whatever_bin_it_is_in(folder: Path, base: Path) -> None:
    found = attempt(preference_spec("dpo", batch={"tokens_per_step": 1024}), folder, base)
    trainer, batches = found.trainer, found.loop._train
    disturb(trainer.model)
    trainer.model.eval()
    passes = [batches([{"bin": number}]) for number in range(len(batches.bins))]
    sizes = {len(batch["rows"]) for batch in passes}
    total = trainer._get_num_items_in_batch(passes, trainer.args.device)
    rows = sum(len(batch["rows"]) for batch in passes)
    assert total == rows
    assert len(sizes) > 1
    mean, library = 0.0, of_library(trainer)
    shares = 0.0
    for batch in passes:
        count = len(batch["rows"])
        trainer._rows = tuple(batch.pop("rows"))
        del batch["row_tokens"]
        shares += trainer.compute_loss(trainer.model, batch, num_items_in_batch=total).item()
        mean += count / rows * library.compute_loss(trainer, trainer.model, batch).item()
    assert shares == pytest.approx(mean, rel=1e-5)


def test_dropout_of_adapters_works_and_the_base_model_has_none(folder: Path, base: Path) -> None:
    found = attempt(preference_spec("dpo", tuning=LORA), folder, base)
    dropouts = {
        name: layer.p
        for name, layer in found.trainer.model.named_modules()
        if isinstance(layer, torch.nn.Dropout)
    }
    assert dropouts
    assert all("lora_dropout" in name for name in dropouts)
    assert set(dropouts.values()) == {0.2}


@pytest.mark.parametrize(("overlength", "all_stay"), [("drop", False), ("truncate", True)])
def test_too_long_pairs_stay_or_go_together(
    folder: Path, base: Path, overlength: str, all_stay: bool
) -> None:
    data = {"train": {"uri": "pairs.jsonl"}, "max_length": 45, "overlength": overlength}
    loop = attempt(preference_spec("dpo", data={**data, "eval_fraction": 0.2}), folder, base).loop
    assert loop.data.longest <= 45
    assert (loop.data.rows_kept + loop.data.rows_eval == 100) is all_stay
    assert ("cut" if all_stay else "dropped") in loop.data.note


def test_a_too_long_pair_is_named_where_that_is_an_error(folder: Path, base: Path) -> None:
    data = {"train": {"uri": "pairs.jsonl"}, "max_length": 36, "overlength": "error"}
    with pytest.raises(BadDataError, match=r"pairs.jsonl, line \d+ has \d+ tokens"):
        attempt(preference_spec("dpo", data=data), folder, base)


@pytest.mark.parametrize(
    ("method", "row", "said"),
    [
        ("dpo", '{"prompt": "a", "chosen": "b"}', "`rejected` is missing"),
        ("dpo", '{"prompt": "a", "chosen": "b", "rejected": "b"}', "neither is better"),
        ("dpo", '{"question": "a", "answer": "b"}', "expected `prompt`, `chosen` and `rejected`"),
        ("kto", '{"prompt": "a", "completion": "b"}', "`label` (true or false)"),
        ("kto", '{"prompt": "a", "chosen": "b", "rejected": "c"}', "found a preference pair"),
    ],
)
def test_a_row_of_another_kind_is_named_by_file_and_line(
    folder: Path, method: str, row: str, said: str
) -> None:
    spec = preference_spec(method)
    file = folder / spec.data.train.uri
    file.write_text(file.read_text() + row + "\n")
    with pytest.raises(BadDataError) as caught:
        gather(spec, folder)
    assert f"{file.name}, line 101: " in str(caught.value)
    assert said in str(caught.value)


def test_answers_are_the_last_turns_and_not_what_the_assistant_said_before(
    small_run: SmallRun,
) -> None:
    tokenizer = load_tokenizer(small_run.output / "model")
    talk = [("user", "Hello."), ("assistant", "Hi."), ("user", "Sure?")]
    prompt = tuple(Message(*one) for one in talk)
    yes, no = (Message("assistant", "Yes."),), (Message("assistant", "No."),)
    rows = [Pair(prompt, yes, no), Labelled(prompt, no, is_good=False)]
    data = preference_spec("dpo").data
    chunks = list(encode_answers(rows, tokenizer, data))
    found = [
        tokenizer.decode(
            chunk.tokens[start : start + length][chunk.learned[start : start + length]]
        )
        for chunk in chunks
        for start, length in zip(
            np.cumsum([0, *chunk.lengths[:-1]]).tolist(), chunk.lengths.tolist(), strict=True
        )
    ]
    assert found == ["Yes.<|im_end|>", "No.<|im_end|>", "No.<|im_end|>"]


def test_bins_of_even_length_hold_every_row_as_often_as_asked() -> None:
    chance = torch.Generator().manual_seed(1)
    lengths = torch.randint(5, 200, (5001,), generator=chance).numpy()
    times = torch.randint(0, 3, (5001,), generator=chance).numpy()
    bins = list(even_bins(lengths, capacity=1000, seed=3, times=times, least=2))
    held = [row for one in bins for row in one]
    assert sorted(held) == sorted(row for row in range(5001) for _ in range(times[row]))
    assert all(len(one) >= 2 for one in bins)
    assert all(len(one) * lengths[one].max() <= 1000 or len(one) <= 3 for one in bins)
    padded = sum(len(one) * int(lengths[one].max()) for one in bins)
    assert lengths[held].sum() > 0.95 * padded
    assert bins != list(even_bins(lengths, capacity=1000, seed=4, times=times, least=2))
