"""What DPO and KTO share: answers that are judged against the base model's, in even batches.

TRL's trainers do the learning as they are. Ours go in front of them for three things: rows that
are encoded already and lie in batches stated in tokens (TRL's are stated in rows, and half of
them is filling), each row of a step with the same weight whatever batch it is in, and the base
model's log-probabilities computed once for each row before training, so that no second model has
to stay in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import datasets
import torch
from torch import Tensor
from trl.trainer.utils import disable_dropout_in_model
from typing_extensions import override

from trainer.contract.progress import DataLine, Phase, PhaseLine
from trainer.contract.spec import RunSpec
from trainer.group import everywhere, share, summed
from trainer.judge import judging, moved
from trainer.loop import Ingredients, Watch
from trainer.model import lora_config, make_model
from trainer.precision import Precision
from trainer.preference_data import Prepared, prepare
from trainer.tokens.answers import Answers
from trainer.tokens.packing import IGNORED, Bins
from trainer.watched import Watched, common_arguments, precision_of

Example = dict[str, Any]
Batch = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """What a preference method of TRL has of its own."""

    trainer: type
    config: Callable[..., Any]
    collator: Callable[..., Any]
    options: Mapping[str, Any]  # for the config
    answers: int  # sequences of a row: both of a pair, or one
    references: tuple[str, ...]  # columns for what TRL's `compute_ref_log_probs` returns
    examples: Callable[[Answers, Sequence[int]], list[Example]]  # of the rows of one bin
    sums: Callable[[Any, Batch], Mapping[str, float]]  # of a batch, over its rows
    figures: Callable[[Mapping[str, float]], Mapping[str, float]]  # of the sums of all batches
    least: int = 1  # rows that a bin has at least
    bins_per_pass: int = 1


class AnswerBatches:
    """Collate bins of rows as TRL's collator does, with the base model's log-probabilities."""

    def __init__(self, answers: Answers, bins: Bins, of: Comparison, collate: Any) -> None:
        self.answers, self.bins = answers, bins
        self._of, self._collate = of, collate
        self._tokens = answers.lengths.reshape(-1, of.answers).sum(axis=1)
        self._references: dict[int, tuple[list[float], ...]] = {}

    def __call__(self, rows: Sequence[Mapping[str, int]]) -> Batch:
        """Return the batch of these bins; `rows` and `row_tokens` say what rows are in it."""
        chosen = [row["bin"] for row in rows]
        examples = [example for number in chosen for example in self._examples(number)]
        numbers = [row for number in chosen for row in self.bins[number]]
        sizes = self._tokens[numbers]
        return {**self._collate(examples), "rows": numbers, "row_tokens": sizes}

    def refer(self, number: int, values: tuple[list[float], ...]) -> None:
        """Take what the base model says of the rows of a bin, a list for each column."""
        self._references[number] = values

    def _examples(self, number: int) -> list[Example]:
        examples = self._of.examples(self.answers, self.bins[number])
        known = self._references.get(number)
        for column, values in zip(self._of.references, known, strict=True) if known else ():
            for example, value in zip(examples, values, strict=True):
                example[column] = value
        return examples


class PreferenceTrainer(Watched):
    """Goes in front of one of TRL's preference trainers; see `trainer_class`."""

    # The loss is divided by the rows of the whole step, not by micro-batch.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        *,
        spec: RunSpec,
        watch: Watch,
        precision: Precision,
        batches: Mapping[str, AnswerBatches],
        **options: Any,
    ) -> None:
        self._batches = batches  # TRL's `__init__` asks for the reference's log-probabilities
        super().__init__(**options, callbacks=list(watch.callbacks))
        self.begin_watching(spec, watch, precision)

    def _prepare_dataset(self, dataset: datasets.Dataset, *_: Any) -> datasets.Dataset:
        return dataset

    def _precompute_ref_logps(
        self, dataset: datasets.Dataset, name: str, _batch_size: int
    ) -> datasets.Dataset:
        """Ask the base model about every bin; the run's processes share the work out."""
        batches, found = self._batches[name], []
        trl: Any = self
        with judging(self.model):
            for number, counts in share(len(batches.bins)):
                batch = moved(batches([{"bin": number}]), self.args.device)
                del batch["rows"], batch["row_tokens"]
                values = trl.compute_ref_log_probs(self.model, batch)
                if counts:
                    found.append((number, tuple(one.tolist() for one in values)))
        for of_process in everywhere(found):
            for number, of_bin in of_process:
                batches.refer(number, of_bin)
        return dataset

    def _get_num_items_in_batch(self, batch_samples: list[Batch], device: torch.device) -> Tensor:
        rows = torch.tensor(sum(len(batch["rows"]) for batch in batch_samples), device=device)
        total: Tensor = self.accelerator.reduce(rows, "sum")
        return total

    @override
    def compute_loss(
        self,
        model: Any,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor:
        assert num_items_in_batch is not None
        assert not return_outputs
        mean: Tensor = super().compute_loss(model, inputs)  # over the rows of this pass
        loss = mean * (len(self._rows) / num_items_in_batch)
        trl: Any = self
        trl._metrics["train"].clear()  # noqa: SLF001  # its own log, which nobody reads, only grows
        self.count(loss, int(inputs["attention_mask"].sum()))
        # DDP averages gradients over ranks.
        ranks: int = self.accelerator.num_processes
        return loss * ranks


def trainer_class(library: type) -> Any:
    """Return the library's trainer with ours in front of it."""
    return type(f"Our{library.__name__}", (PreferenceTrainer, library), {})


class PreferenceLoop:
    """Judged answers in even batches, and the trainer that learns from them."""

    def __init__(self, ingredients: Ingredients, of: Comparison) -> None:
        self._context, self._base, self._of = ingredients.context, ingredients.base, of
        self._prepared: Prepared = prepare(
            ingredients, answers=of.answers, least=of.least, bins_per_pass=of.bins_per_pass
        )
        self.data: DataLine = self._prepared.data
        self.tokenizer, self.steps = self._prepared.tokenizer, self._prepared.steps
        self.lengths = self._prepared.train.lengths
        self.steps_in_epoch = self._prepared.steps_in_epoch
        collate = of.collator(pad_token_id=pad_token(self.tokenizer))
        batches = partial(AnswerBatches, of=of, collate=collate)
        self._train = batches(self._prepared.train, self._prepared.bins)
        self._held_out = batches(self._prepared.held_out, self._prepared.held_out_bins)

    def make_trainer(self, watch: Watch) -> Any:
        """Return the trainer around the model."""
        context, spec = self._context, self._context.spec
        model = make_model(spec, self.tokenizer, self._base)
        if model.allows.why:
            context.progress.write(PhaseLine, phase=Phase.DATA, note=model.allows.why)
        # The base model must say the same each time it is asked; adapters keep their dropout.
        disable_dropout_in_model(model.module)
        precision = precision_of(spec, model.module, watch.spread)
        arguments = common_arguments(
            spec, steps=self.steps, checkpoints=context.checkpoints, precision=precision
        )
        return trainer_class(self._of.trainer)(
            spec=spec,
            watch=watch,
            precision=precision,
            batches={"train": self._train, "eval": self._held_out},
            model=model.module,
            args=self._of.config(
                **arguments,
                **self._of.options,
                per_device_train_batch_size=self._of.bins_per_pass,
                gradient_accumulation_steps=self._prepared.accumulate,
                activation_checkpointing=watch.spread.recomputes,
                beta=spec.preference.beta,
                max_length=None,
                disable_dropout=False,
                precompute_ref_log_probs=True,
                remove_unused_columns=False,
            ),
            train_dataset=bin_numbers(self._train.bins),
            eval_dataset=bin_numbers(self._held_out.bins),
            data_collator=self._train,
            processing_class=self.tokenizer,
            peft_config=lora_config(spec.tuning, model.module),
        )

    def judge(self, model: Any) -> Mapping[str, float]:
        """Return the method's figures over the held-out rows."""
        batches, total = self._held_out, dict[str, float]()
        with judging(model):
            for number, counts in share(len(batches.bins)):
                batch = moved(batches([{"bin": number}]), model.device)
                sums = self._of.sums(model, batch)
                total = {key: total.get(key, 0.0) + counts * value for key, value in sums.items()}
        return self._of.figures(dict(zip(total, summed(*total.values()), strict=True)))

    def example(self) -> Tensor:
        """Return the first held-out prompt with its answer."""
        answers = self._prepared.held_out
        row = self._prepared.held_out_bins[0][0] * self._of.answers
        return torch.tensor([answers.prompt(row) + answers.answer(row)])


def completion_logps(model: Any, batch: Batch, prefix: str = "") -> Tensor:
    """Return the log-probability of each sequence's answer, in nats, summed over its tokens."""
    tokens_BT, mask_BT = batch[f"{prefix}input_ids"], batch[f"{prefix}completion_mask"]
    found = model(
        input_ids=tokens_BT,
        attention_mask=batch[f"{prefix}attention_mask"],
        labels=tokens_BT.masked_fill(mask_BT == 0, IGNORED),
        use_cache=False,
        fused_lm_head=True,
    )
    total_B: Tensor = found.log_probs.sum(1)
    return total_B


def pad_token(tokenizer: Any) -> int:
    """Return the token that fills rows; where there is none, the one that ends a turn."""
    found = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if found is None else found)


def bin_numbers(bins: Bins) -> datasets.Dataset:
    """Return the dataset that the trainer shuffles: one row for each bin."""
    return datasets.Dataset.from_dict({"bin": list(range(len(bins)))})
