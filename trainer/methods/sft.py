"""Supervised fine-tuning: the model learns the assistant's turns of conversations."""

import importlib
from typing import cast

from trainer.data.rows import Conversation, Document, Kinds
from trainer.loop import Ingredients, Loop

ROWS = Kinds(
    (Conversation,),
    {
        Document: "expected a question and an answer; found `text` alone, which has no answer to "
        "learn (for plain text use a recipe of method pretrain)"
    },
)
CHAT = True


def make_loop(ingredients: Ingredients) -> Loop:
    """Return TRL's SFTTrainer on packed batches."""
    return cast("Loop", importlib.import_module("trainer.packed").PackedLoop(ingredients))
