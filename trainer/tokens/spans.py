"""Render conversations as text and say which characters are the assistant's."""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import render_jinja_template

from trainer.data.rows import Conversation
from trainer.errors import BadSpecError
from trainer.tokens.tokenizer import has_generation_mark

Span = tuple[int, int]
Rendered = tuple[list[str], list[list[Span]]]


def render(rows: Sequence[Conversation], tokenizer: PreTrainedTokenizerBase) -> Rendered:
    """Return each conversation's text and the spans of its answers, each with its end of turn.

    A template with `{% generation %}` marks says the spans itself. The stock templates of Llama,
    Qwen and SmolLM have no marks, and without spans people train on nothing or on the questions:
    for these the text up to each answer is rendered apart. Raises `BadSpecError` for a template
    that rewrites earlier turns, so that neither way is sure.
    """
    if not tokenizer.chat_template:
        raise BadSpecError(
            "The tokenizer has no chat template, so a conversation cannot be turned into text.",
            remedy="Use a base model for chat, or data of plain text with method pretrain.",
        )
    turns = [[{"role": m.role, "content": m.content} for m in row.messages] for row in rows]
    if has_generation_mark(tokenizer):
        texts, spans = render_jinja_template(
            conversations=turns,
            chat_template=tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **tokenizer.special_tokens_map,
        )
        return texts, [[(start, end) for start, end in row] for row in spans]
    return render_by_prefix(turns, tokenizer)


def render_by_prefix(
    turns: Sequence[list[dict[str, str]]], tokenizer: PreTrainedTokenizerBase
) -> Rendered:
    """Return texts and spans by rendering the conversation up to and with each answer."""
    texts = _rendered(list(turns), tokenizer)
    answers = [
        (row, place)
        for row, messages in enumerate(turns)
        for place, message in enumerate(messages)
        if message["role"] == "assistant"
    ]
    before = _rendered(
        [turns[row][:place] for row, place in answers], tokenizer, add_generation_prompt=True
    )
    upto = _rendered([turns[row][: place + 1] for row, place in answers], tokenizer)
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


def _rendered(
    turns: list[list[dict[str, str]]], tokenizer: PreTrainedTokenizerBase, **options: Any
) -> list[str]:
    texts: list[str] = tokenizer.apply_chat_template(turns, tokenize=False, **options)
    return texts
