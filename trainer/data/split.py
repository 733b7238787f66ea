"""Hold rows out for judging: chosen by their own hash, so equal rows never part."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.rows import Row, row_hash


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows to judge by; `shared` counts training rows dropped as equal."""

    train: tuple[Row, ...]
    held_out: tuple[Row, ...]
    shared: int = 0


def split(rows: Sequence[Row], *, fraction: float, max_held_out: int) -> Split:
    """Hold out about `fraction` of the rows, at most `max_held_out`, and at least one.

    The choice hangs on each row's text alone: it does not change when rows are added or moved.
    With a single distinct row there is nothing to hold out, and it is judged by that row.
    """
    hashes = [row_hash(row) for row in rows]
    by_hash = dict(zip(reversed(hashes), reversed(rows), strict=True))
    ranked = sorted(by_hash)
    if len(ranked) == 1:
        return Split(tuple(rows), (rows[0],))
    limit = int(fraction * 2**256)
    wanted = sum(int(value, 16) < limit for value in ranked)
    chosen = set(ranked[: max(1, min(wanted, max_held_out, len(ranked) - 1))])
    train = tuple(row for row, value in zip(rows, hashes, strict=True) if value not in chosen)
    return Split(train, tuple(by_hash[value] for value in sorted(chosen)))


def keep_apart(train: Sequence[Row], held_out: Sequence[Row], *, max_held_out: int) -> Split:
    """Return a split of two given sources, without the training rows that are also held out."""
    judged = {row_hash(row): row for row in held_out}
    kept = tuple(row for row in train if row_hash(row) not in judged)
    chosen = sorted(judged)[:max_held_out]
    return Split(kept, tuple(judged[value] for value in chosen), shared=len(train) - len(kept))
