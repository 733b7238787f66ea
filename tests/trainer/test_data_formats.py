"""Formats: each known way to write a row gives the row that is meant, or a sentence why not."""

import json
from typing import Any

import pytest

from tests.trainer.small import ROOT
from trainer.data.formats import parse_row
from trainer.data.rows import (
    ANY,
    Conversation,
    Document,
    Kinds,
    Labelled,
    Message,
    Pair,
    Prompt,
    Row,
    RowError,
    row_hash,
    row_json,
)

ASKED, GOOD, BAD = (
    Message("user", "Why?"),
    Message("assistant", "Because."),
    Message("assistant", "No."),
)
USER, ANSWER, WRONG = ({"role": one.role, "content": one.content} for one in (ASKED, GOOD, BAD))
SYSTEM = {"role": "system", "content": "Be brief."}
TALK, PAIRS = Kinds((Conversation,)), Kinds((Pair,))
LABELS, PROMPTS = Kinds((Labelled,)), Kinds((Prompt,))
CALL = {"name": "weather", "arguments": {"city": "Rome"}}
WEATHER = {"name": "weather", "description": "Tell it.", "parameters": {"type": "object"}}


def read(value: Any, kinds: Kinds = TALK) -> Any:
    return parse_row(value, 7, kinds)


def refused(value: Any, kinds: Kinds = TALK) -> str:
    with pytest.raises(RowError) as caught:
        parse_row(value, 7, kinds)
    return str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER, ANSWER]},
        {"prompt": "Why?", "completion": "Because."},
        {"prompt": [USER], "completion": [ANSWER]},
        {"question": "Why?", "answer": "Because."},
        {"instruction": "Why?", "output": "Because.", "input": ""},
        {
            "conversations": [
                {"from": "human", "value": "Why?"},
                {"from": "gpt", "value": "Because."},
            ]
        },
        {"conversations": [USER, ANSWER]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}, ANSWER]},
        {
            "question": "Why?",
            "answer": "Because.",
            "id": 3,
            "text": "Why? Because.",
            "source": None,
        },
    ],
)
def test_every_format_of_a_conversation_gives_the_same_row(row: dict[str, Any]) -> None:
    assert read(row) == Conversation((ASKED, GOOD), 7)


@pytest.mark.parametrize(
    "row",
    [
        {"system": "Be brief.", "question": "Why?", "answer": "Because."},
        {"system": "Be brief.", "instruction": "Why?", "output": "Because."},
        {"system": "Be brief.", "conversations": [USER, ANSWER]},
        {"system": "ignored", "messages": [SYSTEM, USER, ANSWER]},
        {"messages": [{**SYSTEM, "role": "developer"}, USER, ANSWER]},
        {"conversations": [{"from": "system", "value": "Be brief."}, USER, ANSWER]},
    ],
)
def test_what_the_system_says_comes_first_once(row: dict[str, Any]) -> None:
    assert read(row).messages == (Message("system", "Be brief."), ASKED, GOOD)


def test_alpacas_input_follows_its_instruction_and_its_history_goes_before() -> None:
    row = {"instruction": "Add.", "input": "1 2", "output": "3", "history": [["Why?", "Because."]]}
    assert read(row).messages == (
        ASKED,
        GOOD,
        Message("user", "Add.\n\n1 2"),
        Message("assistant", "3"),
    )


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "chosen": "Because.", "rejected": "No."},
        {"question": "Why?", "chosen": "Because.", "rejected": "No."},
        {"instruction": "Why?", "chosen": "Because.", "rejected": "No."},
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [WRONG]},
        {"chosen": [USER, ANSWER], "rejected": [USER, WRONG]},
        {"prompt": "Why?", "chosen": [USER, ANSWER], "rejected": [USER, WRONG]},
        {
            "prompt": "Why?",
            "chosen": [USER, ANSWER],
            "rejected": [USER, WRONG],
            "messages": [USER, ANSWER],
        },
        {
            "conversations": [{"from": "human", "value": "Why?"}],
            "chosen": {"from": "gpt", "value": "Because."},
            "rejected": {"from": "gpt", "value": "No."},
        },
    ],
)
def test_every_format_of_a_preference_gives_the_same_pair(row: dict[str, Any]) -> None:
    assert read(row, PAIRS) == Pair((ASKED,), (GOOD,), (BAD,), 7)


def test_a_pairs_shared_beginning_is_its_prompt() -> None:
    begin = [SYSTEM, USER, ANSWER, {"role": "user", "content": "And?"}]
    row = {"chosen": [*begin, ANSWER], "rejected": [*begin, WRONG]}
    found = read(row, PAIRS)
    assert [one.content for one in found.prompt] == ["Be brief.", "Why?", "Because.", "And?"]
    assert (found.chosen, found.rejected) == ((GOOD,), (BAD,))


@pytest.mark.parametrize("is_good", [True, False])
@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "completion": "Because."},
        {"prompt": [USER], "completion": [ANSWER]},
        {"messages": [USER, ANSWER]},
        {"question": "Why?", "answer": "Because."},
    ],
)
def test_an_answer_with_a_label_is_judged(row: dict[str, Any], is_good: bool) -> None:
    found = read({**row, "label": is_good}, LABELS)
    assert found == Labelled((ASKED,), (GOOD,), is_good, 7)


def test_a_bad_answer_is_never_learned_as_a_good_one() -> None:
    row = {"prompt": "Why?", "completion": "Nonsense.", "label": False}
    assert "found an answer with a label" in refused(row)
    assert read({**row, "label": 3}).messages[0] == ASKED


def test_a_prompt_keeps_the_other_columns_for_the_reward() -> None:
    row = {"question": "1 + 1?", "answer": "#### 2", "level": 3}
    found = read(row, PROMPTS)
    assert found.prompt == (Message("user", "1 + 1?"),)
    assert found.answer == {"answer": "#### 2", "level": 3}
    talk = read({"messages": [USER, ANSWER]}, PROMPTS)
    assert (talk.prompt, talk.answer) == ((ASKED,), {"completion": "Because."})


def test_calls_and_tools_are_kept_in_the_form_that_templates_read() -> None:
    plain = {**CALL, "arguments": json.dumps(CALL["arguments"])}
    row = {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": plain}]},
            {"role": "tool", "content": "sunny", "name": "weather", "tool_call_id": "a"},
            ANSWER,
        ],
        "tools": json.dumps([WEATHER]),
    }
    found = read(row)
    call = {"type": "function", "function": CALL, "id": "a"}
    assert found.messages[1] == Message("assistant", "", (call,))
    assert found.messages[2] == Message("tool", "sunny", (), "weather", "a")
    assert found.tools == ({"type": "function", "function": WEATHER},)
    assert row_hash(found) != row_hash(Conversation(found.messages, 7))


def test_sharegpts_function_call_is_a_call_of_the_assistant() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "Why?"},
            {"from": "function_call", "value": json.dumps(CALL)},
            {"from": "observation", "value": "sunny"},
            {"from": "gpt", "value": "Because."},
        ],
        "tools": [WEATHER],
    }
    found = read(row).messages
    assert [one.role for one in found] == ["user", "assistant", "tool", "assistant"]
    assert found[1].tool_calls[0]["function"] == CALL


@pytest.mark.parametrize(
    ("row", "kinds", "said"),
    [
        (
            {"messages": [USER, ANSWER], "instruction": "a", "output": "b"},
            TALK,
            "mixes two formats",
        ),
        ({"prompt": "a", "completion": "b", "question": "c", "answer": "d"}, TALK, "mixes two"),
        ({"text": "a", "question": "c", "answer": "d"}, ANY, "`question` with `answer` and `text`"),
        ({"instruction": "Why?"}, TALK, "`output` is missing"),
        ({"chosen": "a"}, PAIRS, "`rejected` is missing"),
        ({"chosen": "a", "rejected": "b"}, PAIRS, "`prompt` is missing"),
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, PAIRS, "are equal"),
        ({"prompt": "a", "chosen": "", "rejected": "b"}, PAIRS, "`chosen` is empty"),
        ({"prompt": "a", "chosen": [USER], "rejected": "b"}, PAIRS, "both the user's"),
        ({"prompt": "a", "completion": "b"}, LABELS, "and `label` (true or false); found a conv"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, TALK, "found a preference pair"),
        ({"question": "a", "answer": "b"}, PAIRS, "`chosen` and `rejected`; found a conversation"),
        ({"messages": [USER, USER, ANSWER]}, TALK, "messages 1 and 2 are both the user's"),
        ({"messages": [USER, ANSWER, ANSWER]}, TALK, "both the assistant's"),
        (
            {"messages": [USER, SYSTEM, ANSWER]},
            TALK,
            "message 2 is the system's; it must be the first",
        ),
        ({"messages": [ANSWER]}, TALK, "nobody has asked yet"),
        (
            {"messages": [USER, {"role": "tool", "content": "x"}, ANSWER]},
            TALK,
            "no call came before",
        ),
        ({"messages": [USER, {"role": "assistant", "content": " "}]}, TALK, "(assistant) is empty"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, TALK, "found null"),
        (
            {"messages": [USER, {"role": "assistant", "tool_calls": [{}]}]},
            TALK,
            "must have a `name`",
        ),
        ({"messages": [{**USER, "tool_calls": [CALL]}, ANSWER]}, TALK, "only the assistant calls"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, TALK, "found image"),
        ({"messages": [USER, ANSWER], "tools": "[{"}, TALK, "`tools` must be JSON"),
        ({"messages": [USER, ANSWER], "tools": [{}]}, TALK, "tool 1 must be a function"),
        ({"instruction": "a", "output": "b", "history": [["c"]]}, TALK, "entry 1 of `history`"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_in_words(
    row: dict[str, Any], kinds: Kinds, said: str
) -> None:
    assert said in refused(row, kinds)


def test_a_tools_answer_names_a_call_that_was_made() -> None:
    call = {"role": "assistant", "tool_calls": [{"id": "a", **CALL}]}
    answer = {"role": "tool", "content": "sunny", "tool_call_id": "b"}
    assert "answers call 'b', which nobody made" in refused(
        {"messages": [USER, call, answer, ANSWER]}
    )
    in_text = {"role": "assistant", "content": "<tool_call>{}</tool_call>"}
    assert len(read({"messages": [USER, in_text, answer, ANSWER]}).messages) == 4


@pytest.mark.parametrize(
    "row",
    [
        Document("Once.", 7),
        Conversation((ASKED, GOOD), 7),
        Conversation(
            (ASKED, Message("assistant", "", ({"type": "function", "function": CALL},))), 7
        ),
        Conversation((ASKED, GOOD), 7, ({"type": "function", "function": WEATHER},)),
        Pair((ASKED,), (GOOD,), (BAD,), 7),
        Labelled((ASKED,), (GOOD,), is_good=False, line=7),
        Prompt((ASKED,), {"answer": "2", "question": "x"}, 7),
    ],
)
def test_a_rows_json_is_read_back_as_the_same_row(row: Row) -> None:
    assert parse_row(json.loads(row_json(row)), 7, Kinds((type(row),))) == row


def test_every_row_on_the_page_about_data_is_read() -> None:
    page = (ROOT / "docs" / "how-to" / "bring-data.md").read_text()
    example = page.partition("```json\n")[2].partition("```")[0]
    kinds = [type(parse_row(json.loads(line), 1)) for line in example.splitlines()]
    assert kinds == [Conversation, Conversation, Conversation, Pair, Labelled]


def test_rows_without_tools_keep_the_hash_they_always_had() -> None:
    plain = (
        '{"messages": [{"role": "user", "content": "Why?"}, '
        '{"role": "assistant", "content": "Because."}]}'
    )
    assert row_json(Conversation((ASKED, GOOD))) == plain
