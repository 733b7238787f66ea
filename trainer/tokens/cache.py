"""Keep tokenizers and encoded rows, named by the hash of everything that decides them."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tokenizers
import transformers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from trainer.tokens.encode import Sequences

_CODE = (Path(__file__).parent, Path(__file__).parent.parent / "data")


def cache_key(*parts: object) -> str:
    """Return a name for what comes of `parts` with the code and the libraries as they are."""
    code = [path.read_text("utf-8") for folder in _CODE for path in sorted(folder.glob("*.py"))]
    versions = [tokenizers.__version__, transformers.__version__, np.__version__]
    text = json.dumps([*map(str, parts), *code, *versions])
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the hash of all that decides how it encodes a conversation."""
    parts = (
        tokenizer.backend_tokenizer.to_str(),
        tokenizer.chat_template,
        str(tokenizer.special_tokens_map),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def kept_tokenizer(
    folder: Path, key: str, make: Callable[[], PreTrainedTokenizerBase]
) -> PreTrainedTokenizerBase:
    """Return the tokenizer kept under `key`, or make and keep it."""
    path = folder / f"tokenizer-{key}"
    if not path.is_dir():
        made = make()
        _publish(path, made.save_pretrained)
    # Loaded again even when just made, so that every attempt has exactly the same one.
    return PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)


def kept_sequences(folder: Path, key: str, make: Callable[[], Sequences]) -> Sequences:
    """Return the sequences kept under `key`, or make and keep them."""
    path = folder / f"sequences-{key}"
    if not path.is_dir():
        made = make()
        _publish(path, lambda beside: _write(beside, made))
        return made
    arrays = {name: np.load(path / f"{name}.npy") for name in ("tokens", "learned", "starts")}
    counts = json.loads((path / "counts.json").read_text("utf-8"))
    return Sequences(**arrays, **counts)


def _write(folder: Path, sequences: Sequences) -> None:
    for name in ("tokens", "learned", "starts"):
        np.save(folder / f"{name}.npy", getattr(sequences, name))
    counts = {
        "too_long": sequences.too_long,
        "nothing_learned": sequences.nothing_learned,
    }
    (folder / "counts.json").write_text(json.dumps(counts), "utf-8")


def _publish(path: Path, write: Callable[[Path], object]) -> None:
    """Write a folder beside its place, then move it there; whoever is second gives way."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.mkdir(parents=True, exist_ok=True)
    try:
        write(beside)
        beside.rename(path)
    except OSError:
        if not path.is_dir():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
