"""Held-out rows: never among those learned, whatever the order and whatever source they are in."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.small import small_spec
from trainer.data.gather import Gathered, gather
from trainer.data.rows import Document, Row, row_hash
from trainer.data.split import Seen
from trainer.errors import BadDataError

texts = st.lists(st.text("abcdeé ", min_size=1, max_size=8).filter(str.strip), min_size=2)


def written(folder: Path, name: str, rows: Sequence[str]) -> None:
    (folder / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in rows))


def gathered(folder: Path, *, limit: int = 50, **data: Any) -> Gathered:
    spec = small_spec(method="pretrain", data={"max_length": 64, **data}, eval={"max_rows": limit})
    return gather(spec, folder)


def said(rows: Any) -> list[str]:
    return [row.text for row in rows if isinstance(row, Document)]


def apart(rows: Sequence[str], **options: Any) -> tuple[list[str], list[str]]:
    with TemporaryDirectory() as name:
        written(Path(name), "a.jsonl", rows)
        found = gathered(Path(name), train={"uri": "a.jsonl"}, **options).split
        return said(found.train), said(found.held_out)


@given(rows=texts, fraction=st.floats(0.01, 0.5), limit=st.integers(1, 20))
def test_no_row_is_both_learned_and_held_out(rows: list[str], fraction: float, limit: int) -> None:
    learned, judged = apart(rows, eval_fraction=fraction, limit=limit)
    assert set(learned) | set(judged) == set(rows)
    assert 1 <= len(judged) <= limit
    assert not set(learned) & set(judged) or len(set(rows)) == 1


@given(rows=texts, data=st.data())
def test_the_choice_does_not_hang_on_the_order(rows: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    first, again = (apart(order, eval_fraction=0.2, limit=9)[1] for order in (rows, shuffled))
    assert first == again


def test_the_rows_of_smallest_hash_are_held_out_and_only_they_are_kept_in_memory() -> None:
    rows: list[Row] = [Document(f"text {number}") for number in range(500)]
    seen = Seen(most=7)
    assert list(seen.watch(rows)) == rows
    ranked = sorted(rows, key=row_hash)
    assert list(seen.below(0.5, 7).values()) == ranked[:7]
    assert len(seen.smallest(500)) == 8


def test_equal_rows_are_held_out_together() -> None:
    learned, judged = apart([f"text {n % 40}" for n in range(400)], eval_fraction=0.25)
    assert len(judged) > 1
    assert len(learned) == 400 - 10 * len(judged)


def test_rows_shared_with_a_given_eval_set_are_dropped_and_counted_once(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", ["a", "b", "b", "c"])
    written(tmp_path, "b.jsonl", ["b", "e"])
    written(tmp_path, "eval.jsonl", ["b", "d"])
    found = gathered(
        tmp_path,
        train={"uri": "a.jsonl"},
        mix=["b.jsonl"],
        eval={"uri": "eval.jsonl"},
    ).split
    assert said(found.train) == ["a", "c", "e"]
    assert found.shared == 1


def test_a_row_held_out_of_one_source_is_learned_from_none(tmp_path: Path) -> None:
    both = [f"text {number}" for number in range(60)]
    written(tmp_path, "a.jsonl", both)
    written(tmp_path, "b.jsonl", [*both, *(f"more {number}" for number in range(60))])
    found = gathered(tmp_path, train={"uri": "a.jsonl"}, mix=["b.jsonl"], eval_fraction=0.2)
    learned, judged = set(said(found.split.train)), said(found.split.held_out)
    assert not learned & set(judged)
    assert len(judged) == len(set(judged))
    assert learned | set(judged) == {*both, *(f"more {number}" for number in range(60))}
    assert found.rows == 180


def test_every_source_has_rows_held_out_and_keeps_its_last_one(tmp_path: Path) -> None:
    written(tmp_path, "large.jsonl", [f"text {number}" for number in range(300)])
    written(tmp_path, "small.jsonl", ["one", "two"])
    written(tmp_path, "single.jsonl", ["alone"])
    found = gathered(
        tmp_path,
        limit=10,
        train={"uri": "large.jsonl"},
        mix=["small.jsonl", "single.jsonl"],
        eval_fraction=0.5,
    ).split
    judged = said(found.held_out)
    assert 9 <= len(judged) <= 10
    assert len({"one", "two"} & set(judged)) == 1
    assert "alone" in said(found.train)


def test_data_that_is_wholly_in_the_eval_set_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", ["a"])
    written(tmp_path, "eval.jsonl", ["a", "b"])
    with pytest.raises(BadDataError, match=r"Every row of a\.jsonl is also in eval\.jsonl"):
        gathered(tmp_path, train={"uri": "a.jsonl"}, eval={"uri": "eval.jsonl"})


def test_weights_and_sources_change_the_identity_of_the_data(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        written(tmp_path, name, [f"{name} {number}" for number in range(9)])
    mixes: tuple[list[str], ...] = ([], ["b.jsonl"], ["b.jsonl 2"])
    found = [gathered(tmp_path, train={"uri": "a.jsonl"}, mix=mix) for mix in mixes]
    assert len({one.identity for one in found}) == 3
    assert found[1].contents == found[2].contents
    assert found[0].identity == found[0].split.train.sources[0].reader.sha256
