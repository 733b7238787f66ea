"""What the race is run on: real text of very uneven length, a tokenizer, a model of 10 million."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.bench.race.gauge import MAX_LENGTH
from trainer.data.builtin import python_docstrings
from trainer.data.rows import Document

VOCABULARY = 8192
# The loss is on the assistant's turns for everybody: TRL finds them by these markers.
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>")


def make(folder: Path) -> None:
    """Write `rows.jsonl` and `model/`, weights and tokenizer; the same bits each time."""
    talks = [talk for row in python_docstrings() if (talk := _talk(row)) is not None]
    tokenizer = _tokenizer(talks)
    # Longer ones would be dropped by one and cut by another.
    fitting = [
        talk
        for talk in talks
        if len(tokenizer.apply_chat_template(talk, tokenize=True, return_dict=True)["input_ids"])
        <= MAX_LENGTH
    ]
    lines = (json.dumps({"messages": talk}, ensure_ascii=False) + "\n" for talk in fitting)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(lines), "utf-8")
    _model(tokenizer).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")


def _talk(row: object) -> list[dict[str, str]] | None:
    """Return a question about a name of Python and its whole docstring."""
    assert isinstance(row, Document)
    name, _, text = row.text.partition("\n\n")
    if not text.strip():
        return None
    question = f"What is {name.strip()} in Python?"
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": text.strip()},
    ]


def _tokenizer(talks: list[list[dict[str, str]]]) -> PreTrainedTokenizerFast:
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    bare.train_from_iterator(
        (turn["content"] for talk in talks for turn in talk),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=[*SPECIAL],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    found = PreTrainedTokenizerFast(
        tokenizer_object=bare,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        model_max_length=MAX_LENGTH,
    )
    found.chat_template = TEMPLATE
    return found


def _model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=8,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)
