"""Find a training method: what `trainer/methods` has under the name in the spec, without torch."""

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from trainer.data.rows import Kinds

if TYPE_CHECKING:  # It knows of data, whose reading asks a method which rows it takes.
    from trainer.loop import Ingredients, Loop


class Method(Protocol):
    """A file of `trainer/methods`."""

    ROWS: Kinds
    CHAT: bool

    def make_loop(self, ingredients: "Ingredients") -> "Loop":
        """Read the tokenizer, encode the rows, report them."""


def find_method(name: str) -> Method:
    """Return the method that a spec names; the spec has been checked."""
    return cast("Method", importlib.import_module(f"trainer.methods.{name}"))
