"""Make a tokenizer from the data, or load the one that belongs to a base model."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from trainer.data.rows import Document, Row, every_message
from trainer.errors import BadSpecError

PAD, END_OF_TEXT, TURN, END_OF_TURN = "<|pad|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"
# ChatML. What stands between the generation marks is what the model is to say, its last token
# included: a model that never learns to end a turn goes on talking. Tools are written as Hermes
# and Qwen have them, which is what servers parse.
CHAT_TEMPLATE = (
    "{% if tools %}"
    "{{ '<|im_start|>system\n' }}"
    "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\n\n' }}{% endif %}"
    "{{ '<tools>\n' }}{% for tool in tools %}{{ (tool | tojson) + '\n' }}{% endfor %}"
    "{{ '</tools><|im_end|>\n' }}"
    "{% endif %}"
    "{% for message in messages %}{% if not (tools and message['role'] == 'system') %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}"
    "{% for call in message['tool_calls'] or [] %}"
    "{% if message['content'] or not loop.first %}{{ '\n' }}{% endif %}"
    "{{ '<tool_call>\n' + (call['function'] | tojson) + '\n</tool_call>' }}"
    "{% endfor %}{{ '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_GENERATION_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")


def train_tokenizer(
    rows: Iterable[Row], *, vocab_size: int, max_length: int
) -> PreTrainedTokenizerBase:
    """Return a byte-level BPE of at most `vocab_size` tokens, special ones included.

    Small data gives fewer. Every byte is a token, so nothing is ever unknown.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, END_OF_TEXT, TURN, END_OF_TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(rows), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TURN,
        additional_special_tokens=[TURN],
        chat_template=CHAT_TEMPLATE,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer saved in `folder`. Raises `BadSpecError`."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise BadSpecError(
            f"The folder {folder} holds no tokenizer that can be loaded.",
            remedy="Set model.tokenizer (or model.source) to a folder with tokenizer.json.",
        ) from error


def has_generation_mark(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Return whether the chat template says which words are the assistant's."""
    return bool(_GENERATION_MARK.search(tokenizer.chat_template or ""))


def end_of_text(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the token that closes a document: its own if there is one, else the turn's."""
    vocabulary = tokenizer.get_vocab()
    found = vocabulary.get(END_OF_TEXT, tokenizer.eos_token_id)
    if found is None:
        raise BadSpecError(
            "The tokenizer has no token that ends a text or a turn.",
            remedy="Give a tokenizer whose eos_token is set.",
        )
    return int(found)


def _texts(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Document):
            yield row.text
        else:
            yield from (message.content for message in every_message(row))
