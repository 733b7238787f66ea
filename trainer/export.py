"""Write the trained model: adapters merged, reloaded and compared, with card and tokenizer."""

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerBase

from trainer.errors import TrainerError

# Merging adds the adapters' product to the base's weights in fp32; the sums round differently.
LOGITS_TOLERANCE = 1e-3


def export(
    model: Any, tokenizer: PreTrainedTokenizerBase, folder: Path, *, card: str, tokens: torch.Tensor
) -> None:
    """Write a folder that `from_pretrained` loads; whole or not at all.

    `tokens` [1, T] are some held-out ones: the folder is loaded again and must give the logits
    that the trained model gives.
    """
    expected = logits(model, tokens)
    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        merged.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / "README.md").write_text(card, "utf-8")
        _compare(partial, tokens, expected)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def logits(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Return the model's logits [T, V] for one row of tokens, in fp32 on the CPU."""
    model.eval()
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=tokens.to(model.device)).logits[0]
    return found.float().cpu()


def _compare(folder: Path, tokens: torch.Tensor, expected: torch.Tensor) -> None:
    reloaded = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    )
    difference = (logits(reloaded, tokens) - expected).abs().max().item()
    if not difference <= LOGITS_TOLERANCE * max(1.0, expected.abs().max().item()):
        raise TrainerError(
            f"The written model differs from the trained one by {difference:.4f} in its logits.",
            remedy="The checkpoints are whole. Please report this with the run's id.",
        )
