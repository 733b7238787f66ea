"""Direct preference optimization: of two answers, the better one becomes the likelier one.

Rafailov et al., arXiv:2305.18290; TRL's DPOTrainer as it is.
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from trainer.contract.preference import Preference
from trainer.data.rows import Kinds, Pair
from trainer.loop import Ingredients, Loop

ROWS = Kinds((Pair,))
CHAT = True


def make_loop(ingredients: Ingredients) -> Loop:
    """Return TRL's DPOTrainer on even batches of pairs."""
    shared, trl = importlib.import_module("trainer.preferences"), importlib.import_module("trl")
    preference = ingredients.context.spec.preference
    of = shared.Comparison(
        trainer=trl.DPOTrainer,
        config=trl.DPOConfig,
        collator=importlib.import_module("trl.trainer.dpo_trainer").DataCollatorForPreference,
        options={
            "loss_type": [preference.loss],
            "label_smoothing": preference.label_smoothing,
        },
        answers=2,
        references=("ref_chosen_logps", "ref_rejected_logps"),
        examples=examples,
        sums=partial(sums, preference, shared.completion_logps),
        figures=figures,
    )
    return cast("Loop", shared.PreferenceLoop(ingredients, of))


def examples(answers: Any, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Return pairs as TRL's collator takes them: what both prompts begin with is the prompt."""
    found = []
    for row in rows:
        chosen, rejected = 2 * row, 2 * row + 1
        prompt, other = answers.prompt(chosen), answers.prompt(rejected)
        # They differ where tokens merge across the border; what is left belongs to the answers.
        shared = next(
            (at for at, (a, b) in enumerate(zip(prompt, other, strict=False)) if a != b),
            min(len(prompt), len(other)),
        )
        found.append(
            {
                "prompt_ids": prompt[:shared],
                "chosen_ids": prompt[shared:] + answers.answer(chosen),
                "rejected_ids": other[shared:] + answers.answer(rejected),
            }
        )
    return found


def sums(
    preference: Preference, logps: Any, model: Any, batch: Mapping[str, Any]
) -> dict[str, float]:
    """Return loss, right choices and margins, summed over the pairs of a batch.

    The formulas are TRL's, whose own log averages over batches and waits for other processes.
    """
    chosen, rejected = logps(model, batch).chunk(2)
    better, worse = chosen - batch["ref_chosen_logps"], rejected - batch["ref_rejected_logps"]
    margin = preference.beta * (better - worse)
    log_sigmoid = importlib.import_module("torch.nn.functional").logsigmoid
    if preference.loss == "hinge":
        loss = (1 - margin).relu()
    elif preference.loss == "ipo":
        sizes = batch["completion_mask"].sum(1)
        n_chosen, n_rejected = sizes.chunk(2)
        loss = (better / n_chosen - worse / n_rejected - 1 / (2 * preference.beta)) ** 2
    elif preference.loss == "robust":
        share = preference.label_smoothing
        loss = share * log_sigmoid(-margin) - (1 - share) * log_sigmoid(margin)
        loss = loss / (1 - 2 * share)
    else:
        loss = -log_sigmoid(margin)
    return {
        "rows": float(len(margin)),
        "loss": loss.sum().item(),
        "accuracy": float((margin > 0).sum().item()),
        "margin": margin.sum().item(),
    }


def figures(total: Mapping[str, float]) -> dict[str, float]:
    """Return the means: `accuracy` is the share of pairs whose better answer gained more."""
    return {name: total[name] / total["rows"] for name in ("loss", "accuracy", "margin")}
