"""Tools: what a conversation calls, and may call, is in the text that the model sees."""

from typing import Any

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from trainer.contract.data import Data
from trainer.data.formats import parse_row
from trainer.data.rows import Conversation, Kinds, question_and_answer
from trainer.errors import BadDataError, BadSpecError
from trainer.tokens.encode import encode
from trainer.tokens.spans import render
from trainer.tokens.tokenizer import train_tokenizer

WEATHER = {"name": "weather", "description": "Tell it.", "parameters": {"type": "object"}}
CALL = {"id": "a", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
TURNS: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Rain in Rome?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "sunny", "tool_call_id": "a"},
    {"role": "assistant", "content": "No."},
]
# As Qwen2.5 has it, cut short: no generation marks.
STOCK = (
    "{% if tools %}{{ '<|im_start|>system\n' }}{% for tool in tools %}{{ tool | tojson }}"
    "{% endfor %}{{ '<|im_end|>\n' }}{% endif %}{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\n' + message.content }}"
    "{% for call in message.tool_calls or [] %}{{ '<tool_call>' + (call.function | tojson) }}"
    "{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PLAIN = question_and_answer("Why?", "Because.")


def talk(**columns: Any) -> Conversation:
    row = {"messages": TURNS, "tools": [WEATHER], **columns}
    found = parse_row(row, 3, Kinds((Conversation,)), "d.jsonl, line")
    assert isinstance(found, Conversation)
    return found


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerBase:
    rows = [question_and_answer(f"Question {n}?", f"Answer number {n}.") for n in range(50)]
    return train_tokenizer(rows, vocab_size=400, max_length=512)


def answers(rows: list[Conversation], tokenizer: PreTrainedTokenizerBase) -> list[list[str]]:
    texts, spans = render(rows, tokenizer)
    return [[text[a:z] for a, z in row] for text, row in zip(texts, spans, strict=True)]


def test_our_template_shows_tools_calls_and_answers(tokenizer: PreTrainedTokenizerBase) -> None:
    (text,), _ = render([talk()], tokenizer)
    assert text.startswith("<|im_start|>system\nBe brief.\n\n<tools>\n{")
    assert text.count("Be brief.") == 1
    assert "<|im_start|>tool\nsunny<|im_end|>" in text


@pytest.mark.parametrize("template", [None, STOCK])
def test_the_call_is_learned_and_the_tools_answer_is_not(
    tokenizer: PreTrainedTokenizerBase, template: str | None
) -> None:
    tokenizer.chat_template = template or tokenizer.chat_template
    ((call, said), (plain,)) = answers([talk(), PLAIN], tokenizer)
    assert '"city": "Rome"' in call
    assert call.endswith("<|im_end|>")
    assert (said, plain) == ("No.<|im_end|>", "Because.<|im_end|>")


def test_rows_with_different_tools_each_show_their_own(tokenizer: PreTrainedTokenizerBase) -> None:
    other = talk(tools=[WEATHER, {**WEATHER, "name": "clock"}])
    texts, _ = render([talk(), other, PLAIN, talk()], tokenizer)
    assert ["clock" in text for text in texts] == [False, True, False, False]
    assert texts[0] == texts[3]


def test_a_template_that_leaves_tools_out_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = (
        "{% for message in messages %}{% generation %}{{ message['content'] + '<|im_end|>' }}"
        "{% endgeneration %}{% endfor %}"
    )
    with pytest.raises(BadSpecError, match=r"leaves out the tool weather of d\.jsonl, line 3"):
        render([talk()], tokenizer)


def test_a_row_that_the_template_refuses_is_named(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + tokenizer.chat_template
    )
    with pytest.raises(BadDataError, match=r"d\.jsonl, line 3: .*no system"):
        render([PLAIN, talk(), PLAIN], tokenizer)


def test_loss_on_all_works_where_answers_cannot_be_told(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    tokenizer.chat_template = "{{ messages | length }}{{ messages[-1]['content'] }}"
    data = Data.model_validate({"train": {"uri": "x"}, "loss_on": "all"})
    found = encode([PLAIN], tokenizer, data)
    assert tokenizer.decode(found.tokens.tolist()) == "2Because."
    assert np.all(found.learned)
