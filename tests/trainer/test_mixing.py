"""Several sources with weights: what an epoch has of each, and what stays on disk between runs."""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainer.small import ROOT, context_of, process_environment, small_spec
from trainer import estimating
from trainer.contract.faults import SpecError
from trainer.contract.passes import micro_tokens
from trainer.contract.recipe import expand, recipes
from trainer.contract.spec import RunSpec, spec_hash
from trainer.data.draw import drawn_rows, times_seen
from trainer.data.gather import gather
from trainer.errors import BadDataError
from trainer.prepare import Prepared, prepare
from trainer.tokens import cache

ROWS = {"a.jsonl": 40, "b.jsonl": 60, "c.jsonl": 20}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in ROWS.items():
        pairs = ({"question": f"{name} {n}?", "answer": f"It is {n}."} for n in range(rows))
        (tmp_path / name).write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return tmp_path


def mixed(*mix: Any, **changes: Any) -> RunSpec:
    data = {"train": {"uri": "a.jsonl"}, "mix": mix, "max_length": 64, "eval_fraction": 0.1}
    return small_spec(data=data, **changes)


def prepared(spec: RunSpec, folder: Path) -> Prepared:
    return prepare(context_of(spec, folder, say=lambda _: None), gather(spec, folder), None)


def an_epoch(found: Prepared) -> Counter[int]:
    """Return how often each sequence lies in a bin."""
    return Counter(index for one in found.train.bins for index in one)


def test_an_epoch_has_each_row_of_a_source_as_often_as_its_weight_says(folder: Path) -> None:
    spec = mixed({"uri": "b.jsonl", "weight": 0.5}, {"uri": "c.jsonl", "weight": 2.25})
    train = gather(spec, folder).split.train
    times = times_seen(train, 0)
    ends = np.cumsum([len(source) for source in train.sources])
    a, b, c = np.split(times, ends[:-1])
    assert set(a) == {1}
    assert (set(b), b.sum()) == ({0, 1}, round(len(b) / 2))
    assert (set(c), c.sum()) == ({2, 3}, 2 * len(c) + round(len(c) / 4))
    assert Counter(drawn_rows(train, 0)).total() == times.sum()


def test_the_seed_draws_the_rows_and_another_source_does_not_change_them(folder: Path) -> None:
    def drawn(spec: RunSpec, seed: int) -> list[int]:
        train = gather(spec, folder).split.train
        first = len(train.sources[0])
        return times_seen(train, seed)[first : first + len(train.sources[1])].tolist()

    half = mixed("b.jsonl 0.5")
    assert drawn(half, 1) == drawn(half, 1) != drawn(half, 2)
    assert drawn(mixed("b.jsonl 0.5", "c.jsonl 3"), 1) == drawn(half, 1)


def test_bins_and_the_data_line_hold_the_epoch_that_was_drawn(folder: Path) -> None:
    found = prepared(mixed("b.jsonl 2"), folder)
    sequences, seen = found.train.sequences, an_epoch(found)
    first = int(np.searchsorted(sequences.rows, 36))
    assert {seen[index] for index in range(first)} == {1}
    assert {seen[index] for index in range(first, len(sequences))} == {2}
    tokens = sum(int(sequences.lengths[index]) * times for index, times in seen.items())
    assert found.data.tokens == tokens
    learned = sum(
        int((b["labels"] != -100).sum()) for b in map(found.train.batch, found.train.bins)
    )
    assert found.data.trained_tokens == learned
    assert "b.jsonl: 53 of 53 rows, " in found.data.note
    assert "(weight 2)" in found.data.note


@pytest.mark.parametrize("budget", [{"epochs": 3.0}, {"tokens": 20_000}])
def test_a_budget_counts_the_tokens_of_the_mixture(folder: Path, budget: dict[str, Any]) -> None:
    spec = mixed("b.jsonl 2", "c.jsonl 0.5", budget=budget)
    found = prepared(spec, folder)
    wanted = budget.get("tokens", 3 * found.data.tokens)
    done = found.steps * found.data.tokens / found.steps_in_epoch
    assert abs(done - wanted) <= spec.batch.tokens_per_step


def test_other_weights_need_no_new_encoding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared(mixed("b.jsonl 2"), folder)

    def refuse(*_: Any) -> None:
        pytest.fail("encoded again")

    monkeypatch.setattr("trainer.prepare.encode_chunks", refuse)
    monkeypatch.setattr("trainer.prepare.train_tokenizer", refuse)
    again = prepared(mixed("b.jsonl 0.5"), folder)
    assert np.array_equal(first.train.sequences.tokens, again.train.sequences.tokens)
    assert an_epoch(first) != an_epoch(again)


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"train": {"uri": "a.jsonl"}, "max_length": 48}},
        {"data": {"train": {"uri": "a.jsonl"}, "max_length": 64, "loss_on": "all"}},
        {"data": {"train": {"uri": "c.jsonl"}, "max_length": 64}},
        {"data": {"train": {"uri": "a.jsonl"}, "max_length": 64}, "eval": {"max_rows": 1}},
    ],
)
def test_whatever_changes_the_tokens_is_encoded_anew(folder: Path, change: dict[str, Any]) -> None:
    plain = small_spec(data={"train": {"uri": "a.jsonl"}, "max_length": 64})
    prepared(plain, folder)
    before = set((folder / "cache").glob("sequences-*"))
    prepared(small_spec(**change), folder)
    assert set((folder / "cache").glob("sequences-*")) > before


def test_a_spec_without_further_sources_keeps_its_hash() -> None:
    assert "mix" not in json.dumps(small_spec().model_dump_json(exclude_defaults=True))
    assert spec_hash(small_spec()) != spec_hash(mixed("b.jsonl"))
    body = json.loads(small_spec().model_dump_json())
    del body["data"]["mix"]
    assert spec_hash(RunSpec.model_validate(body)) == spec_hash(small_spec())


@pytest.mark.parametrize(
    "typed",
    [
        "web.jsonl 0.5, faq.jsonl",
        ["web.jsonl 0.5", "faq.jsonl"],
        [{"uri": "web.jsonl", "weight": 0.5}, {"uri": "faq.jsonl"}],
    ],
)
def test_sources_are_mixed_as_a_form_or_a_file_names_them(typed: Any) -> None:
    spec = expand(recipes()["tiny-sft"], {"data.mix": typed})
    found = [(source.uri, source.weight) for source in spec.data.mix]
    assert found == [("web.jsonl", 0.5), ("faq.jsonl", 1.0)]


def test_a_file_that_grew_since_it_was_checked_is_refused(folder: Path) -> None:
    train = gather(mixed(), folder).split.train
    with (folder / "a.jsonl").open("a") as file:
        file.write('{"question": "New?", "answer": "Yes."}\n')
    with pytest.raises(BadDataError, match=r"a.jsonl has changed"):
        list(train)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("a.jsonl, a.jsonl 2", "a.jsonl is named twice"),
        ("a.jsonl 0", "greater than 0"),
        ("a.jsonl often", "number"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_refused(typed: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        expand(recipes()["tiny-sft"], {"data.mix": typed})


def test_what_was_not_used_for_longest_leaves_the_cache(tmp_path: Path) -> None:
    for age, name in enumerate(("sequences-c", "tokenizer-b", "sequences-a"), 1):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokens.npy").write_bytes(b"x" * 100)
        cache.os.utime(tmp_path / name, (1e9 + age, 1e9 + age))
    (tmp_path / "base-model").mkdir()
    cache.prune(tmp_path, most_bytes=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "base-model",
        "sequences-a",
        "tokenizer-b",
    ]
    cache.prune(tmp_path, most_bytes=1)
    assert {path.name for path in tmp_path.iterdir()} == {"base-model", "sequences-a"}


def test_a_run_marks_what_it_uses_and_prunes_what_is_too_much(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(mixed(), folder)
    old = list((folder / "cache").glob("sequences-*"))
    for path in old:
        cache.os.utime(path, (1e9, 1e9))
    monkeypatch.setattr(cache, "MOST_BYTES", 1)
    prepared(mixed("c.jsonl"), folder)
    assert old
    assert not any(path.exists() for path in old)


def test_a_half_written_entry_is_no_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("trainer.prepare.encode_chunks", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepared(mixed(), folder)
    assert not list((folder / "cache").glob("*sequences-*[!k]"))
    assert prepared(mixed(), folder).data.rows_kept > 0


def test_packing_leaves_hardly_a_slot_empty_on_real_rows(tmp_path: Path) -> None:
    spec = recipes()["tiny-sft"].spec
    found = prepared(spec, tmp_path)
    bins = [int(found.train.sequences.lengths[one].sum()) for one in found.train.bins]
    size = spec.batch.tokens_per_step // found.accumulate
    assert max(bins) <= size
    assert sum(bins) / (size * len(bins)) >= 0.97
    assert found.accumulate * size == spec.batch.tokens_per_step


@pytest.mark.parametrize("tokens", [512, 8192, 10_000, 16_384, 50_000])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_step_holds_the_tokens_that_the_batch_states(tokens: int, processes: int) -> None:
    micro = micro_tokens(small_spec(batch={"tokens_per_step": tokens}), processes)
    passes = tokens // (micro * processes)
    assert micro <= 8192
    assert 0 <= tokens - passes * micro * processes < passes * processes


def test_the_estimate_counts_each_file_by_its_weight(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KRSP_WORKDIR", str(folder))
    tokens = []
    for mix in ([], ["b.jsonl 2"]):
        (folder / "spec.json").write_text(mixed(*mix, budget={"epochs": 4}).model_dump_json())
        parser = argparse.ArgumentParser()
        estimating.add_arguments(parser)
        options = parser.parse_args([str(folder / "spec.json"), "--json"])
        assert estimating.main(options) == 0
        tokens.append(json.loads(capsys.readouterr().out)["tokens"])
    a, b = ((folder / name).stat().st_size // 4 for name in ("a.jsonl", "b.jsonl"))
    assert tokens == [4 * a, 4 * (a + 2 * b)]


def test_an_attempt_packs_the_same_bins_as_the_one_before(folder: Path) -> None:
    """On them and the sampler's state hangs that a resumed run sees what it would have seen."""
    spec = mixed("b.jsonl 0.5", "c.jsonl 2")
    first, again = prepared(spec, folder), prepared(spec, folder)
    assert list(first.train.bins) == list(again.train.bins)
    assert first.data.sha256 == again.data.sha256


def test_a_mixture_is_checked_without_numpy(folder: Path) -> None:
    (folder / "spec.json").write_text(mixed("b.jsonl 2").model_dump_json())
    code = (
        "import sys; from trainer.__main__ import main; code = main(sys.argv[1:]); "
        "print(code, 'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "validate", str(folder / "spec.json")],
        cwd=ROOT,
        env=process_environment({"KRSP_WORKDIR": str(folder)}),
        capture_output=True,
        text=True,
        check=False,
    )
    said, ended = done.stdout.splitlines()
    assert "a.jsonl + b.jsonl x 2 has 100 rows: 89 to learn, 11 held out." in said
    assert ended == "0 False"


def test_a_fault_in_a_further_source_is_named_by_its_file(folder: Path) -> None:
    (folder / "b.jsonl").write_text('{"question": 1}\n')
    with pytest.raises(BadDataError, match=r"b\.jsonl, line 1"):
        gather(mixed("b.jsonl"), folder)
