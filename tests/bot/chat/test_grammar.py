"""What people type, and what the bot takes it for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.grammar import About, Cancel, Help, Reject, Rerun, Runs, Train, Whoami, parse
from bot.domain.run import RunStatus
from bot.errors import InputError


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Help(is_greeting=True)),
        ("Hi", Help(is_greeting=True)),
        ("help", Help()),
        ("HELP train", Help("train")),
        ("whoami", Whoami()),
        ("train", Train()),
        ("train tiny-sft", Train("tiny-sft")),
        ("train tiny-sft lr=2e-4 steps=50", Train("tiny-sft", {"lr": "2e-4", "steps": "50"})),
        ("train tiny-sft on data/faq.jsonl", Train("tiny-sft", {"data": "data/faq.jsonl"})),
        ("train tiny-sft with lr = 2e-4", None),
        ("train tiny-sft name=“my run”", Train("tiny-sft", {"name": "my run"})),
        ("train lr=1e-3", Train(None, {"lr": "1e-3"})),
        ("finetune tiny-sft", Train("tiny-sft")),
        ("status", About("status")),
        ("status last", About("status")),
        ("status `run-20260101-abcdef`", About("status", "run-20260101-abcdef")),
        ("logs x", About("logs", "x")),
        ("metrics", About("metrics")),
        ("cancel", Cancel()),
        ("stop last wrong data", Cancel(None, "wrong data")),
        ("rerun last lr=1e-4", Rerun(None, {"lr": "1e-4"})),
        ("rerun lr=1e-4", Rerun(None, {"lr": "1e-4"})),
        ("rerun x", Rerun("x")),
        ("approve x", About("approve", "x")),
        ("reject x because it is too long", Reject("x", "it is too long")),
        ("runs", Runs()),
        ("runs mine failed", Runs(mine=True, statuses=frozenset({RunStatus.FAILED}))),
        ("runs tiny-sft", Runs(recipe="tiny-sft")),
        ("runs faq", Runs(text="faq")),
    ],
)
def test_a_sentence_is_taken_for_its_command(text, command):
    if command is None:
        with pytest.raises(InputError, match="key=value"):
            parse(text)
    else:
        assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("trian tiny-sft", "Did you mean `train tiny-sft`?"),
        ("statsu last", "Did you mean `status last`?"),
        ("xyzzy", "Try `help`"),
        ("train nothing-like-it", "There is no recipe `nothing-like-it`"),
        ("train tiny-sft fast", "write settings as `key=value`"),
        ("train tiny-sft lr=1 lr=2", "`lr` stands there twice"),
        ("logs a b", "`logs` takes one run"),
        ("help trian", "Did you mean `train`?"),
    ],
)
def test_what_cannot_be_understood_gets_the_nearest_that_works(text, hint):
    with pytest.raises(InputError) as refused:
        parse(text)
    assert hint in str(refused.value)


def test_running_means_every_state_that_is_not_over():
    assert parse("runs running").statuses == {s for s in RunStatus if not s.is_final}


@given(st.text(max_size=200))
def test_every_text_is_a_command_or_is_refused_in_words(text):
    try:
        said = parse(text)
    except InputError as error:
        said = str(error)
    assert said
