"""Questions about Python's standard library with four docstrings to choose from."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from trainer.data.builtin import python_qa
from trainer.data.rows import Conversation, Row, row_hash

# Chance is 25 %; 200 questions tell figures apart that differ by about 10 points (two standard
# errors at 50 %), and SmolLM2-135M answers them in a minute or two on two CPU cores.
QUESTIONS, OPTIONS = 200, 4


def question_rows() -> tuple[Row, ...]:
    """Return the rows of `builtin:python-qa` that are asked about.

    They are the first by their own hash, as `trainer.data.split` holds rows out: a run that
    judges itself by the same data loses few rows of its training to this task, or none.
    """
    talks = [row for row in python_qa() if isinstance(row, Conversation)]
    # Where two names share a docstring, a run could learn the answer from the other one.
    often = Counter(_answer(row) for row in talks)
    own = [row for row in talks if often[_answer(row)] == 1]
    return tuple(sorted(own, key=row_hash)[:QUESTIONS])


def choices(rows: Sequence[Row]) -> tuple[dict[str, Any], ...]:
    """Return a question for each row: `question`, `choices`, and `answer`, the right one's place.

    The wrong answers are those of the names that follow in the alphabet, mostly of the same
    module. They are rows of this task too, so that no run has learned them either.
    """
    talks = [row for row in rows if isinstance(row, Conversation)]
    talks.sort(key=_name)
    return tuple(_choice(talks, place) for place in range(len(talks)))


def _choice(talks: Sequence[Conversation], place: int) -> dict[str, Any]:
    row = talks[place]
    options = [_answer(talks[(place + n) % len(talks)]) for n in range(1, OPTIONS)]
    right = hashlib.sha256(_name(row).encode()).digest()[0] % OPTIONS
    options.insert(right, _answer(row))
    return {"question": row.messages[0].content, "choices": options, "answer": right}


def _name(row: Conversation) -> str:
    """Return the name that is asked about: the one word of the question with dots, or the last."""
    words = row.messages[0].content.rstrip("?.").split()
    return max(words, key=lambda word: ("." in word, len(word)))


def _answer(row: Conversation) -> str:
    return row.messages[-1].content
