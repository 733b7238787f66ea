"""Judge a model by tasks of lm-eval, offline: the model in memory, the questions at hand."""

import functools
import logging
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import datasets
import numpy as np
import torch
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import PreTrainedTokenizerBase
from typing_extensions import override

from trainer.errors import BadSpecError
from trainer.tasks import Docs, Task

# Questions in one forward pass. More is no faster on a CPU, and every position has its logits.
BATCH = {"cpu": 4, "cuda": 16}
# lm-eval marks a figure with the filter that made it; this one changes nothing.
PLAIN = "none"
SEED = 1234  # lm-eval's own default


class TaskJudge:
    """Tasks that are ready to be asked, as often as one likes."""

    def __init__(self, tasks: Sequence[Task], *, limit: int | None = None) -> None:
        """Load the tasks; `limit` asks the first questions of each only.

        Raises `BadSpecError` for a task that lm-eval does not take.
        """
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        manager = TaskManager(include_defaults=False)
        self._limit = limit
        self._tasks = {task.name: _loaded(manager, task) for task in tasks}

    @property
    def figures(self) -> set[str]:
        """Return the names that `judge` gives its figures, errors left out."""
        return {
            f"{name}/{metric}" + ("" if chosen.name == PLAIN else f".{chosen.name}")
            for name, task in self._tasks.items()
            for metric in task.aggregation()
            for chosen in task._filters  # noqa: SLF001  # lm-eval has no other word for them
        }

    def judge(
        self, model: Any, tokenizer: PreTrainedTokenizerBase, *, chat: bool
    ) -> dict[str, float]:
        """Return each task's figures as `<task>/<metric>`; those of error end in `_stderr`.

        `chat` asks through the chat template. The model and all states of chance are afterwards
        as they were: a run that is judged in between computes what one that is not computes.
        """
        if not self._tasks:
            return {}
        with _undisturbed(model):
            asked = _Quiet(
                pretrained=model,
                tokenizer=tokenizer,
                backend="causal",
                batch_size=BATCH.get(model.device.type, 1),
            )
            # Not `simple_evaluate`: it reads 13,000 files of tasks first, which takes half a
            # minute, and it sets the seeds of everything.
            found = evaluate(
                lm=asked,
                task_dict={"tasks": self._tasks, "groups": {}, "group_map": {}},
                limit=self._limit,
                log_samples=False,
                apply_chat_template=chat,
            )
        return figures(found["results"]) if found is not None else {}


class _Quiet(HFLM):
    """Without bars of progress, which fill a log: `evaluate` offers no switch for them."""

    @override
    def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
        return super().loglikelihood(requests, disable_tqdm=True)

    @override
    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> Any:
        return super().loglikelihood_rolling(requests, disable_tqdm=True)

    @override
    def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
        return super().generate_until(requests, disable_tqdm=True)


def figures(results: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return lm-eval's results, `acc,none` of `task`, as `task/acc`; what is no number is left."""
    found = {}
    for task, values in sorted(results.items()):
        for key, value in values.items():
            metric, _, filtered = key.partition(",")
            if not filtered or not isinstance(value, int | float) or not math.isfinite(value):
                continue
            found[f"{task}/{metric}" + ("" if filtered == PLAIN else f".{filtered}")] = float(value)
    return found


def _loaded(manager: TaskManager, task: Task) -> Any:
    config = {**task.config, "custom_dataset": functools.partial(_dataset, task.docs)}
    try:
        (loaded,) = manager.load([config])["tasks"].values()
    except Exception as error:  # lm-eval raises whatever a wrong setting leads to
        raise BadSpecError(
            f"lm-eval does not take the task {task.name}: {error}",
            remedy="Correct the task's file, or leave it out of eval.tasks.",
        ) from error
    if loaded.config.num_fewshot is None:
        loaded.set_config(key="num_fewshot", value=0)
    loaded.set_fewshot_seed(seed=SEED)  # of which examples are shown, where a task shows some
    return loaded


def _dataset(docs: Docs, **_: Any) -> dict[str, datasets.Dataset]:
    return {split: datasets.Dataset.from_list(list(rows)) for split, rows in docs.items()}


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    # lm-eval draws from all three: which examples to show, errors by bootstrap.
    was_training, chance, numbers = model.training, random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            yield
    finally:
        model.train(was_training)
        random.setstate(chance)
        np.random.set_state(numbers)
