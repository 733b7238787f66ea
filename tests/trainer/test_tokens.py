"""What is learned: the answers and their end, nothing else; nothing is lost silently."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from trainer.contract.data import Data
from trainer.data.rows import Conversation, Document, Message, question_and_answer
from trainer.errors import BadDataError, BadSpecError
from trainer.tokens.encode import Sequences, encode
from trainer.tokens.packing import IGNORED, PackedBatches, pack
from trainer.tokens.spans import render, render_by_prefix
from trainer.tokens.tokenizer import END_OF_TURN, load_tokenizer, train_tokenizer

TALK = Conversation(
    (
        Message("system", "Be brief."),
        Message("user", "One?"),
        Message("assistant", "First answer."),
        Message("user", "Two?"),
        Message("assistant", "Second: naïve 東京."),
    )
)
# ChatML as SmolLM2 ships it: no generation marks.
UNMARKED = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerBase:
    rows = [question_and_answer(f"Question {n}?", f"Answer number {n}.") for n in range(50)]
    return train_tokenizer(rows, vocab_size=400, max_length=512)


def data(**changes: Any) -> Data:
    return Data.model_validate({"train": {"uri": "x"}, "max_length": 128, **changes})


def learned_text(sequences: Sequences, tokenizer: PreTrainedTokenizerBase) -> str:
    return str(tokenizer.decode(sequences.tokens[sequences.learned].tolist()))


def test_only_the_answers_and_their_end_are_learned(tokenizer: PreTrainedTokenizerBase) -> None:
    found = encode([TALK], tokenizer, data())
    expected = f"First answer.{END_OF_TURN}Second: naïve 東京.{END_OF_TURN}"
    assert learned_text(found, tokenizer) == expected


def test_a_template_without_marks_gives_the_same_mask(tokenizer: PreTrainedTokenizerBase) -> None:
    marked = encode([TALK], tokenizer, data())
    tokenizer.chat_template = UNMARKED
    unmarked = encode([TALK], tokenizer, data())
    assert np.array_equal(marked.tokens, unmarked.tokens)
    assert np.array_equal(marked.learned, unmarked.learned)


def test_both_ways_of_finding_answers_agree_on_text_and_spans(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    turns = [[{"role": m.role, "content": m.content} for m in TALK.messages]]
    assert render([TALK], tokenizer) == render_by_prefix(turns, tokenizer)


def test_loss_on_all_learns_every_token(tokenizer: PreTrainedTokenizerBase) -> None:
    assert encode([TALK], tokenizer, data(loss_on="all")).learned.all()


def test_a_template_that_never_ends_a_turn_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{{ '<|im_end|>' }}{% endgeneration %}",
        "{% endgeneration %}{{ '<|im_end|>' }}",
    )
    with pytest.raises(BadSpecError, match="would not learn to stop"):
        encode([TALK], tokenizer, data())


def test_a_template_that_rewrites_history_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = "{{ messages | length }}{{ messages[-1]['content'] }}<|im_end|>"
    with pytest.raises(BadSpecError, match="rewrites earlier turns"):
        encode([TALK], tokenizer, data())


def test_a_doubled_start_token_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = "<|endoftext|><|endoftext|>" + tokenizer.chat_template
    with pytest.raises(BadSpecError, match="begins with two"):
        encode([TALK], tokenizer, data())


def test_a_tokenizer_without_template_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = None
    with pytest.raises(BadSpecError, match="no chat template"):
        encode([TALK], tokenizer, data())


def test_overlong_rows_are_dropped_cut_or_refused_and_counted(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    short, long = question_and_answer("A?", "B."), question_and_answer("A?", "word " * 200, 7)
    dropped = encode([short, long], tokenizer, data())
    cut = encode([short, long], tokenizer, data(overlength="truncate"))
    assert (len(dropped), dropped.too_long) == (1, 1)
    assert (len(cut), cut.too_long, int(cut.lengths.max())) == (2, 1, 128)
    with pytest.raises(BadDataError, match="line 7 has"):
        encode([short, long], tokenizer, data(overlength="error"))


def test_a_row_cut_before_its_answer_is_left_out_and_counted(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    rows = [question_and_answer("word " * 200, "B."), question_and_answer("A?", "B.")]
    found = encode(rows, tokenizer, data(overlength="truncate"))
    assert (len(found), found.nothing_learned) == (1, 1)


def test_nothing_left_is_an_error(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(BadDataError, match="No row is left"):
        encode([question_and_answer("A?", "word " * 200)], tokenizer, data())


def test_a_document_becomes_windows_that_follow_each_other(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    text = "".join(f"Sentence {n} of a long text. " for n in range(100))
    found = encode([Document(text)], tokenizer, data())
    assert found.lengths.tolist()[:-1] == [128] * (len(found) - 1)
    assert tokenizer.decode(found.tokens.tolist(), skip_special_tokens=True) == text
    assert found.tokens[-1] == tokenizer.get_vocab()["<|endoftext|>"]


def test_any_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    text = 'tabs\tand "quotes" \\ émojis 🎉 \u2028 nul-ish \x01'
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_a_saved_tokenizer_encodes_alike(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    first, second = (encode([TALK], t, data()) for t in (tokenizer, loaded))
    assert np.array_equal(first.tokens, second.tokens)
    assert np.array_equal(first.learned, second.learned)


def test_a_folder_without_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(BadSpecError, match="holds no tokenizer"):
        load_tokenizer(tmp_path)


@given(
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=80),
    seed=st.integers(0, 3),
)
def test_packing_keeps_every_sequence_and_overfills_no_bin(lengths: list[int], seed: int) -> None:
    sizes = np.asarray(lengths, dtype=np.int64)
    bins = pack(sizes, capacity=64, seed=seed)
    assert sorted(index for one in bins for index in one) == list(range(len(lengths)))
    assert all(int(sizes[one].sum()) <= 64 for one in bins)
    assert list(bins) == list(pack(sizes, capacity=64, seed=seed))


def test_packed_rows_of_uneven_length_leave_few_slots_empty() -> None:
    sizes = np.random.default_rng(0).lognormal(4, 0.8, 2000).clip(8, 512).astype(np.int64)
    bins = pack(sizes, capacity=2048, seed=0)
    assert int(sizes.sum()) / (len(bins) * 2048) > 0.97


def test_a_batch_restarts_positions_and_never_learns_a_first_token() -> None:
    tokens = np.arange(10, 19, dtype=np.int32)
    starts, rows = np.asarray([0, 4, 9]), np.asarray([3, 8])
    sequences = Sequences(tokens, np.ones(9, dtype=np.bool_), starts, rows)
    batch = PackedBatches(sequences, [[0, 1]])([{"bin": 0}])
    assert batch["rows"].tolist() == [3, 8]
    assert batch["row_tokens"].tolist() == [4, 5]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 0, 1, 2, 3, 4]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 4, 9]
    assert batch["labels"].tolist() == [[IGNORED, 11, 12, 13, IGNORED, 15, 16, 17, 18]]
    assert batch["max_length_q"] == 5
