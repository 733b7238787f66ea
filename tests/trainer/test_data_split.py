"""Held-out rows: never among those learned, and the same whatever the order."""

from hypothesis import given
from hypothesis import strategies as st

from trainer.data.rows import Document, row_hash
from trainer.data.split import keep_apart, split

texts = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=60)


@given(texts=texts, fraction=st.floats(0.01, 0.5), limit=st.integers(1, 20))
def test_no_row_is_both_learned_and_held_out(texts: list[str], fraction: float, limit: int) -> None:
    rows = [Document(text, line) for line, text in enumerate(texts)]
    parts = split(rows, fraction=fraction, max_held_out=limit)
    learned, judged = ({row_hash(row) for row in part} for part in (parts.train, parts.held_out))
    assert learned | judged == {row_hash(row) for row in rows}
    assert 1 <= len(judged) <= limit
    assert not learned & judged or len({row_hash(row) for row in rows}) == 1


@given(texts=texts, data=st.data())
def test_the_choice_does_not_hang_on_the_order(texts: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(texts))
    held_out = [
        {
            row.text
            for row in split([Document(t) for t in order], fraction=0.2, max_held_out=9).held_out
        }
        for order in (texts, shuffled)
    ]
    assert held_out[0] == held_out[1]


def test_equal_rows_are_held_out_together() -> None:
    rows = [Document(f"text {n % 40}") for n in range(400)]
    parts = split(rows, fraction=0.25, max_held_out=100)
    assert len(parts.train) == 400 - 10 * len(parts.held_out)


def test_rows_shared_with_a_given_eval_set_are_dropped_and_counted() -> None:
    train = [Document("a"), Document("b"), Document("b"), Document("c")]
    parts = keep_apart(train, [Document("b"), Document("d")], max_held_out=10)
    assert [row.text for row in parts.train if isinstance(row, Document)] == ["a", "c"]
    assert parts.shared == 2
