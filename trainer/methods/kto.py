"""Kahneman-Tversky optimization: good answers become likelier, bad ones less, without pairs.

Ethayarajh et al., arXiv:2402.01306; TRL's KTOTrainer as it is.
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from trainer.contract.preference import Preference
from trainer.data.rows import Kinds, Labelled
from trainer.loop import Ingredients, Loop

ROWS = Kinds((Labelled,))
CHAT = True


def make_loop(ingredients: Ingredients) -> Loop:
    """Return TRL's KTOTrainer on even batches of judged answers."""
    shared, trl = importlib.import_module("trainer.preferences"), importlib.import_module("trl")
    preference = ingredients.context.spec.preference
    collator = importlib.import_module("trl.trainer.kto_trainer").DataCollatorForUnpairedPreference
    of = shared.Comparison(
        trainer=trl.KTOTrainer,
        config=trl.KTOConfig,
        collator=collator,
        options={
            "desirable_weight": preference.desirable_weight,
            "undesirable_weight": preference.undesirable_weight,
        },
        answers=1,
        references=("ref_logps", "ref_KL_logps"),
        examples=examples,
        sums=partial(sums, preference, shared.completion_logps),
        figures=figures,
        # The KL term takes each question with the answer to another one: a bin needs two.
        least=2,
        # TRL refuses one row to a batch for that reason, and a bin is a row to it.
        bins_per_pass=2,
    )
    return cast("Loop", shared.PreferenceLoop(ingredients, of))


def examples(answers: Any, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Return answers as TRL's collator takes them, each with that of the row before: the KL term's.

    The other answers are those of the same batch, as the paper asks, only with other questions.
    """
    found = [(answers.prompt(row), answers.answer(row), bool(answers.is_good[row])) for row in rows]
    others = [answer for _, answer, _ in found]
    return [
        {"prompt_ids": prompt, "completion_ids": answer, "KL_completion_ids": other, "label": good}
        for (prompt, answer, good), other in zip(found, [others[-1], *others[:-1]], strict=True)
    ]


def sums(
    preference: Preference, logps: Any, model: Any, batch: Mapping[str, Any]
) -> dict[str, float]:
    """Return loss and rewards, summed over the answers of a batch; the formulas are TRL's."""
    is_good, beta = batch["label"].bool(), preference.beta
    gained = logps(model, batch) - batch["ref_logps"]
    moved = (logps(model, batch, "KL_") - batch["ref_KL_logps"]).mean().clamp(min=0)
    weights = is_good * preference.desirable_weight + ~is_good * preference.undesirable_weight
    side = 2 * is_good.int() - 1
    return {
        "good": float(is_good.sum().item()),
        "bad": float((~is_good).sum().item()),
        "loss": (weights * (1 - (side * beta * (gained - moved)).sigmoid())).sum().item(),
        "good_reward": beta * gained[is_good].sum().item(),
        "bad_reward": beta * gained[~is_good].sum().item(),
    }


def figures(total: Mapping[str, float]) -> dict[str, float]:
    """Return means: how much likelier than to the base model good answers became, and bad ones.

    `margin` is the difference; there is none without answers of both kinds.
    """
    found = {"loss": total["loss"] / (total["good"] + total["bad"])}
    for kind in ("good", "bad"):
        if total[kind]:
            found[f"{kind}_reward"] = total[f"{kind}_reward"] / total[kind]
    if len(found) > 2:
        found["margin"] = found["good_reward"] - found["bad_reward"]
    return found
