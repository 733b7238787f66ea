"""Render conversations as text and say which characters are the assistant's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import render_jinja_template

from trainer.data.rows import Conversation, place, turns
from trainer.errors import BadDataError, BadSpecError
from trainer.tokens.tokenizer import has_generation_mark

Span = tuple[int, int]
Rendered = tuple[list[str], list[list[Span]]]
Turns = list[dict[str, Any]]
Tools = Sequence[Mapping[str, Any]]


def render(
    rows: Sequence[Conversation], tokenizer: PreTrainedTokenizerBase, *, whole: bool = False
) -> Rendered:
    """Return each conversation's text and the spans of its answers, each with its end of turn.

    A template with `{% generation %}` marks says the spans itself. The stock templates of Llama,
    Qwen and SmolLM have no marks, and without spans people train on nothing or on the questions:
    for these the text up to each answer is rendered apart. With `whole` the one span is all of
    the text. Raises `BadSpecError` for a template that rewrites earlier turns, so that neither
    way is sure, or that leaves out a row's tools; `BadDataError` for a row that it refuses.
    """
    if not tokenizer.chat_template:
        raise BadSpecError(
            "The tokenizer has no chat template, so a conversation cannot be turned into text.",
            remedy="Use a base model for chat, or data of plain text with method pretrain.",
        )
    texts, spans = [""] * len(rows), [[] for _ in rows]  # type: tuple[list[str], list[list[Span]]]
    for tools, places in _by_tools(rows):
        found = _render([rows[one] for one in places], tools, tokenizer, whole=whole)
        for one, text, of_text in zip(places, *found, strict=True):
            texts[one], spans[one] = text, of_text
    for row, text in zip(rows, texts, strict=True):
        _refuse_lost(row, text)
    return texts, spans


def render_by_prefix(
    talks: Sequence[Turns], tokenizer: PreTrainedTokenizerBase, *, tools: Tools = ()
) -> Rendered:
    """Return texts and spans by rendering the conversation up to and with each answer."""
    options = {"tools": list(tools) or None}
    texts = _rendered(list(talks), tokenizer, **options)
    answers = [
        (row, place)
        for row, messages in enumerate(talks)
        for place, message in enumerate(messages)
        if message["role"] == "assistant"
    ]
    asked = [talks[row][:place] for row, place in answers]
    before = _rendered(asked, tokenizer, add_generation_prompt=True, **options)
    upto = _rendered([talks[row][: place + 1] for row, place in answers], tokenizer, **options)
    spans: list[list[Span]] = [[] for _ in texts]
    for (row, _), start, end in zip(answers, before, upto, strict=True):
        if not texts[row].startswith(start) or not texts[row].startswith(end.rstrip()):
            raise BadSpecError(
                "The chat template rewrites earlier turns, so which words are the assistant's "
                "cannot be told.",
                remedy="Use a template with {% generation %} marks, or set data.loss_on to all.",
            )
        spans[row].append((len(start), len(end.rstrip())))
    return texts, spans


def _by_tools(rows: Sequence[Conversation]) -> Iterator[tuple[Tools, list[int]]]:
    """Yield the places of rows with the same tools: a template is rendered with one list."""
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        key = json.dumps(row.tools, default=str) if row.tools else ""
        groups.setdefault(key, []).append(number)
    for places in groups.values():
        yield rows[places[0]].tools, places


def _render(
    rows: Sequence[Conversation], tools: Tools, tokenizer: PreTrainedTokenizerBase, *, whole: bool
) -> Rendered:
    talks = [turns(row.messages) for row in rows]
    try:
        return _spans(talks, tools, tokenizer, whole=whole)
    except TemplateError as error:
        if len(rows) > 1:  # Again one by one: the one that fails is named.
            for row in rows:
                _render([row], tools, tokenizer, whole=whole)
        raise BadDataError(
            f"{place(rows[0])}: the base model's chat template refuses the conversation: {error}",
            remedy="Correct the row, or choose a base model whose template takes such turns.",
        ) from error


def _spans(
    talks: list[Turns], tools: Tools, tokenizer: PreTrainedTokenizerBase, *, whole: bool
) -> Rendered:
    if whole:
        texts = _rendered(talks, tokenizer, tools=list(tools) or None)
        return texts, [[(0, len(text))] for text in texts]
    if not has_generation_mark(tokenizer):
        return render_by_prefix(talks, tokenizer, tools=tools)
    texts, spans = render_jinja_template(
        conversations=talks,
        tools=list(tools) or None,
        chat_template=tokenizer.chat_template,
        return_assistant_tokens_mask=True,
        **tokenizer.special_tokens_map,
    )
    return texts, [[(start, end) for start, end in row] for row in spans]


def _refuse_lost(row: Conversation, text: str) -> None:
    """Refuse a template that shows nothing of the tools: they would be lost without a word."""
    called = (call["function"]["name"] for one in row.messages for call in one.tool_calls)
    for name in (*(tool["function"]["name"] for tool in row.tools), *called):
        if name not in text:
            raise BadSpecError(
                f"The chat template leaves out the tool {name} of {place(row)}: it knows no tools.",
                remedy="Use a base model whose template has tools, or data without them.",
            )


def _rendered(talks: list[Turns], tokenizer: PreTrainedTokenizerBase, **options: Any) -> list[str]:
    texts: list[str] = tokenizer.apply_chat_template(talks, tokenize=False, **options)
    return texts
