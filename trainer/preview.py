"""Show what the model will see of some rows, and which words of it are learned."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from trainer.base import Places, find_base
from trainer.contract.spec import RunSpec
from trainer.data.gather import Gathered
from trainer.data.rows import Conversation, Document, Labelled, Messages, Pair, Row, place, turns
from trainer.tokens.spans import Span, render
from trainer.tokens.tokenizer import end_of_text, load_tokenizer, train_tokenizer

# Around what is learned; in hardly any text.
BEGIN, END = "⟦", "⟧"


@dataclass(frozen=True)
class Piece:
    """A stretch of the text that is learned, or is not."""

    text: str
    learned: bool


@dataclass(frozen=True)
class Shown:
    """One text as the model sees it; a preference pair gives two."""

    place: str
    part: str
    pieces: tuple[Piece, ...]
    tokens: int
    learned_tokens: int
    too_long: bool


def preview(spec: RunSpec, gathered: Gathered, tokenizer: Path | None, *, rows: int) -> list[Shown]:
    """Return the first `rows` training rows as texts.

    `tokenizer` is the folder of the one that is known; else the base model is fetched, or one is
    trained on the data as the run would do. Raises a `TrainerError` where the run would.
    """
    loaded = _tokenizer(spec, gathered, tokenizer)
    return [
        shown for row in islice(gathered.split.train, rows) for shown in _shown(row, spec, loaded)
    ]


def in_words(shown: Sequence[Shown]) -> str:
    """Return the texts to read, with what is learned in brackets."""
    lines = [f"What is learned stands in {BEGIN}{END}."]
    for one in shown:
        part = f", {one.part}" if one.part else ""
        longer = ", longer than data.max_length" if one.too_long else ""
        counts = f"{one.tokens} tokens, {one.learned_tokens} learned{longer}"
        text = "".join(f"{BEGIN}{p.text}{END}" if p.learned else p.text for p in one.pieces)
        lines.append(f"\n--- {one.place}{part}: {counts}\n{text}")
    return "\n".join(lines) + "\n"


def _tokenizer(spec: RunSpec, gathered: Gathered, known: Path | None) -> PreTrainedTokenizerBase:
    if known is not None:
        return load_tokenizer(known)
    if spec.model.source is not None:
        return load_tokenizer(find_base(spec.model, Places.of(os.environ), _silent))
    assert spec.model.config is not None
    size = spec.model.config.vocab_size
    return train_tokenizer(gathered.split.train, vocab_size=size, max_length=spec.data.max_length)


def _shown(row: Row, spec: RunSpec, tokenizer: PreTrainedTokenizerBase) -> Iterator[Shown]:
    size = spec.data.max_length
    for part, text, spans in _texts(row, spec, tokenizer):
        encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        starts = [start for start, _ in encoding.offsets]
        learned = sum(any(begin <= start < end for begin, end in spans) for start in starts)
        tokens, is_cut = len(starts), not isinstance(row, Document)
        pieces = tuple(_pieces(text, spans))
        yield Shown(place(row), part, pieces, tokens, learned, is_cut and tokens > size)


def _texts(
    row: Row, spec: RunSpec, tokenizer: PreTrainedTokenizerBase
) -> Iterator[tuple[str, str, list[Span]]]:
    """Yield (name, text, what of it is learned) for each text that the model sees of a row."""
    if isinstance(row, Document):
        text = row.text + str(tokenizer.convert_ids_to_tokens(end_of_text(tokenizer)))
        yield "", text, [(0, len(text))]
    elif isinstance(row, Conversation):
        texts, spans = render([row], tokenizer, whole=spec.data.loss_on == "all")
        yield "", texts[0], spans[0]
    elif isinstance(row, Pair):
        yield "chosen", *_answered(row.prompt, row.chosen, row, tokenizer)
        yield "rejected", *_answered(row.prompt, row.rejected, row, tokenizer)
    elif isinstance(row, Labelled):
        name = "good" if row.is_good else "bad"
        yield name, *_answered(row.prompt, row.completion, row, tokenizer)
    else:
        text = tokenizer.apply_chat_template(
            turns(row.prompt),
            tools=list(row.tools) or None,
            tokenize=False,
            add_generation_prompt=True,
        )
        yield "prompt", text, []


def _answered(
    prompt: Messages, answer: Messages, row: Pair | Labelled, tokenizer: PreTrainedTokenizerBase
) -> tuple[str, list[Span]]:
    """Return the text, and the spans of the continuation alone: only it is judged."""
    talk = Conversation(prompt + answer, row.line, row.tools, row.where)
    (text,), (spans,) = render([talk], tokenizer)
    answers = sum(message.role == "assistant" for message in answer)
    return text, spans[-answers:]


def _pieces(text: str, spans: Sequence[Span]) -> Iterator[Piece]:
    place = 0
    for start, end in spans:
        if start > place:
            yield Piece(text[place:start], learned=False)
        yield Piece(text[start:end], learned=True)
        place = end
    if place < len(text):
        yield Piece(text[place:], learned=False)


def _silent(_said: str) -> None:
    """Nobody needs to hear where the base model comes from: its texts are shown."""
