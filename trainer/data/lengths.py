"""How many tokens a text has, where a tokenizer lies at hand; without torch and transformers."""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trainer.base import Places, base_at_hand
from trainer.contract.spec import RunSpec
from trainer.errors import BadSpecError

CountTokens = Callable[[Sequence[str]], Sequence[int]]
TOKENIZER = "tokenizer.json"


def known_tokenizer(spec: RunSpec, env: Mapping[str, str]) -> Path | None:
    """Return the folder of the tokenizer that the run will use, if it lies on this machine.

    One that is yet to be trained on the data, or a base model that is yet to be fetched, has none.
    """
    places = Places.of(env)
    if spec.model.tokenizer is not None:
        found: Path | None = places.workdir / spec.model.tokenizer
    else:
        try:
            found = base_at_hand(spec.model, places, _silent)
        except BadSpecError:
            return None
    return found if found is not None and (found / TOKENIZER).is_file() else None


def counter_of(folder: Path) -> CountTokens:
    """Return a function that counts the tokens of texts, without those of a chat template."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    tokenizer = importlib.import_module("tokenizers").Tokenizer.from_file(str(folder / TOKENIZER))

    def count(texts: Sequence[str]) -> Sequence[int]:
        found = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one) for one in found]

    return count


def _silent(_said: str) -> None:
    """Nobody needs to hear which base it is: nothing is trained."""
