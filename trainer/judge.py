"""Judge a model: its loss on held-out sequences, and what it answers to a prompt."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from trainer.group import share, summed
from trainer.loss import Scored
from trainer.tokens.packing import PackedBatches
from trainer.tokens.tokenizer import END_OF_TEXT


def held_out_loss(model: Any, batches: PackedBatches) -> float:
    """Return the mean loss in nats over every trained token of the held-out sequences.

    The run's processes share the work out; all of them call this and get the same mean.
    """
    total, count = 0.0, 0
    with judging(model):
        for number, counts in share(len(batches.bins)):
            batch = moved(batches.batch(batches.bins[number]), model.device)
            scored: Scored = model(**batch, score=True)
            if counts:
                total += scored.loss.item()
                count += scored.count
    total_of_all, count_of_all = summed(total, count)
    return total_of_all / count_of_all


def perplexity(loss: float) -> float:
    """Return e to the loss; a loss too large for a float gives the largest one."""
    return math.exp(min(loss, 700.0))


def answer(
    model: Any, tokenizer: PreTrainedTokenizerBase, prompt: str, *, chat: bool, max_tokens: int
) -> str:
    """Return the model's likeliest continuation of a question (`chat`) or of a text."""
    if chat:
        turns = [{"role": "user", "content": prompt}]
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").to(model.device)
    start = inputs["input_ids"].shape[1]
    longest = getattr(model.config, "max_position_embeddings", None)
    room = max_tokens if longest is None else longest - start
    if room <= 0:
        return ""
    with judging(model):
        tokens = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=min(max_tokens, room),
            do_sample=False,
            eos_token_id=_ends(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
        )
    text: str = tokenizer.decode(tokens[0, start:], skip_special_tokens=True)
    return text.strip()


def _ends(tokenizer: PreTrainedTokenizerBase) -> Sequence[int]:
    vocabulary = tokenizer.get_vocab()
    ends = {tokenizer.eos_token_id, vocabulary.get(END_OF_TEXT)}
    return [token for token in ends if token is not None]


@contextmanager
def judging(model: Any) -> Iterator[None]:
    """Switch dropout and gradients off for a while."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def moved(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Return the batch with its tensors on the device."""
    return {
        key: value.to(device) if isinstance(value, torch.Tensor) else value
        for key, value in batch.items()
    }
