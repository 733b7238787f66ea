"""Pretraining, and continued pretraining of a base model: every token of a text is learned."""

import importlib
from typing import cast

from trainer.data.rows import Conversation, Document, Kinds
from trainer.loop import Ingredients, Loop

ROWS = Kinds(
    (Document,),
    {
        Conversation: "expected `text`; found a conversation (for answers use a recipe of method "
        "sft)"
    },
)
CHAT = False


def make_loop(ingredients: Ingredients) -> Loop:
    """Return TRL's SFTTrainer on packed batches."""
    return cast("Loop", importlib.import_module("trainer.packed").PackedLoop(ingredients))
