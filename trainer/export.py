"""Write the trained model, and believe it only once it has been loaded again and has spoken."""

import importlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerBase

from trainer.errors import ExportError
from trainer.judge import answer
from trainer.tokens.tokenizer import load_tokenizer

# Merging adds the adapters' product to the base's weights in fp32; the sums round differently.
LOGITS_TOLERANCE = 1e-3
# Enough to go through the cache of keys and values, the part that training never uses.
TRIED_TOKENS = 8
ADAPTER = "adapter_config.json"


@dataclass(frozen=True)
class Parcel:
    """What is written beside the weights, and what the written model is tried with.

    `tokens` [1, T] are some held-out ones; `prompt` is a question where `chat`, else a text.
    """

    tokenizer: PreTrainedTokenizerBase
    card: str
    tokens: torch.Tensor
    prompt: str = "What is this?"
    chat: bool = True


@dataclass(frozen=True)
class Base:
    """The base model of adapters: its folder, and what the spec calls it."""

    folder: Path
    source: str


def export(
    model: Any, folder: Path, parcel: Parcel, *, base: Base | None = None, merge: bool = True
) -> None:
    """Write a folder that `from_pretrained` loads; whole or not at all.

    Adapters are merged into the base, or with `merge` false stay apart from it and name it. The
    folder is loaded again: it must give the logits that the trained model gives, and answer.
    Raises `ExportError` where it does not.
    """
    adapted = hasattr(model, "merge_and_unload")
    if adapted and merge and is_quantised(model):
        model = on_full_weights(model, base)
    expected = logits(model, parcel.tokens)
    apart = adapted and not merge
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        if apart:
            save_adapters(model, partial, base)
        else:
            (model.merge_and_unload() if adapted else model).save_pretrained(partial)
        parcel.tokenizer.save_pretrained(partial)
        (partial / "README.md").write_text(parcel.card, "utf-8")
        _try(partial, parcel, expected, base if apart else None)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_quantised(model: Any) -> bool:
    """Return whether the adapters lie on weights of fewer bits than they were published with."""
    return getattr(model.get_base_model(), "quantization_method", None) is not None


def on_full_weights(model: Any, base: Base | None) -> Any:
    """Return the adapters on their base as it was published.

    Merged into quantised weights they would be rounded away in part, and a merged model in few bits
    is what nobody asked for.
    """
    assert base is not None
    with tempfile.TemporaryDirectory(prefix="krsp-adapters-") as scratch:
        save_adapters(model, Path(scratch), base)
        return written_model(Path(scratch), base.folder)


def save_adapters(model: Any, folder: Path, base: Base | None) -> None:
    """Write the adapters alone, naming their base as the spec does and not by a path of here."""
    assert base is not None
    model.peft_config[model.active_adapter].base_model_name_or_path = base.source
    # Not `auto`: that asks the hub whether the base's vocabulary has grown, which it never does.
    model.save_pretrained(folder, save_embedding_layers=False)


def written_model(folder: Path, base: Path | None = None) -> Any:
    """Return the model in a folder, in fp32; adapters alone are put on their `base`."""
    module = AutoModelForCausalLM.from_pretrained(
        base or folder,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    if base is None:
        return module
    return importlib.import_module("peft").PeftModel.from_pretrained(module, folder)


def logits(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Return the model's logits [T, V] for one row of tokens, in fp32 on the CPU."""
    model.eval()
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=tokens.to(model.device)).logits[0]
    return found.float().cpu()


def _try(folder: Path, parcel: Parcel, expected: torch.Tensor, base: Base | None) -> None:
    try:
        reloaded = written_model(folder, base.folder if base is not None else None)
        tokenizer = load_tokenizer(folder)
        _compare(logits(reloaded, parcel.tokens), expected)
        if _encoded(tokenizer, parcel) != _encoded(parcel.tokenizer, parcel):
            raise ExportError(
                "The written tokenizer encodes a prompt otherwise than the trained model's."
            )
        answer(reloaded, tokenizer, parcel.prompt, chat=parcel.chat, max_tokens=TRIED_TOKENS)
    except ExportError:
        raise
    except Exception as error:  # whatever a library makes of a model that does not work
        raise ExportError(
            f"The written model cannot be used ({type(error).__name__}: {error})."
        ) from error


def _compare(found: torch.Tensor, expected: torch.Tensor) -> None:
    difference = (found - expected).abs().max().item()
    if not difference <= LOGITS_TOLERANCE * max(1.0, expected.abs().max().item()):
        raise ExportError(
            f"The written model differs from the trained one by {difference:.4f} in its logits."
        )


def _encoded(tokenizer: PreTrainedTokenizerBase, parcel: Parcel) -> Any:
    if not parcel.chat:
        return tokenizer(parcel.prompt)["input_ids"]
    turns = [{"role": "user", "content": parcel.prompt}]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
