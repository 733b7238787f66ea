"""What happens around each optimizer step: report it, judge the model, save, stop."""

import importlib
import math
import time
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed
from transformers import TrainerCallback
from typing_extensions import override

from trainer.checkpoint import Totals
from trainer.context import Context
from trainer.contract.goal import unknown_figure
from trainer.contract.progress import EvalLine, SampleLine, StepLine, curve_of
from trainer.contract.stopping import judging_every
from trainer.early_stop import after_judging, out_of_patience, out_of_time
from trainer.errors import BadSpecError, DivergedError
from trainer.hardware import memory_bytes, peak_memory_bytes
from trainer.judge import answer
from trainer.loop import Loop
from trainer.meter import Meter
from trainer.method import find_method
from trainer.sharding import is_sharded
from trainer.tasks import find_tasks

# At most ten lines a second: more is no use to a chart, and a small model does fifty steps.
LINE_EVERY_S = 0.1
# Weight of the newest step in the smoothed throughput.
SMOOTHING = 0.2
ELSEWHERE = "a signal to another process"
CHECKPOINTS_PER_RUN = 5


def anywhere(ranks: int, *flags: bool, device: torch.device) -> list[bool]:
    """Return each flag as raised if any process has raised it: all must leave the loop together."""
    if ranks == 1:
        return list(flags)
    raised = torch.tensor([float(flag) for flag in flags], device=device)
    torch.distributed.all_reduce(raised)
    return [bool(value) for value in raised]


def task_judge(context: Context) -> Any:
    """Return the spec's tasks, ready to be asked; what is wrong with one is said before training.

    lm-eval takes some seconds to load: it is, where a spec names a task.
    """
    tasks = find_tasks(context.spec.eval.tasks, context.workdir)
    return importlib.import_module("trainer.lm_tasks").TaskJudge(tasks) if tasks else None


class Reporter(TrainerCallback):
    """Writes step lines, with smoothed throughput and the time left.

    `totals.tokens` has those of skipped batches too: they were read and paid for. The `meter` is
    filled in once the model is there.
    """

    def __init__(self, context: Context, totals: Totals) -> None:
        self.context, self.totals, self.meter = context, totals, Meter()
        self.step_loss, self.grad_norm, self.step_tokens = 0.0, 0.0, 0
        self.step_sources: list[int] = []
        self.skips_step = False
        self._began = self._step_began = time.perf_counter()
        self._spent_before = 0.0
        self._first_step = 0
        self._speed = self._lr = 0.0
        self._written_at = 0.0

    @override
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began, self._spent_before = time.perf_counter(), self.totals.train_s
        self._first_step = state.global_step

    @override
    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._step_began = time.perf_counter()
        self.step_tokens, self.step_sources = 0, [0] * len(self.meter.names)
        self._lr = float(kwargs["lr_scheduler"].get_last_lr()[0])

    def count_rows(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        """Take note of the rows of one forward pass, where it matters whence they are."""
        if self.step_sources and len(rows) == len(tokens):
            found = self.meter.of_sources(rows, tokens)
            self.step_sources = [a + b for a, b in zip(self.step_sources, found, strict=True)]

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter()
        speed = self.step_tokens / (now - self._step_began)
        first = state.global_step == self._first_step + 1
        self._speed = speed if first else self._speed + SMOOTHING * (speed - self._speed)
        self.totals.tokens += self.step_tokens
        self.totals.train_s = self._spent_before + now - self._began
        for name, tokens in zip(self.meter.names, self.step_sources, strict=True):
            self.totals.sources[name] = self.totals.sources.get(name, 0) + tokens
        if self.skips_step:  # The guard has told it, and its loss may be no number.
            return
        self.totals.loss = self.step_loss
        too_soon = now - self._written_at < LINE_EVERY_S and not self.context.every_step
        if too_soon and state.global_step < state.max_steps:
            return
        self._written_at = now
        done = state.global_step - self._first_step
        self.context.progress.write(
            StepLine,
            step=state.global_step,
            total=state.max_steps,
            loss=self.step_loss,
            lr=self._lr,
            grad_norm=self.grad_norm,
            tokens=self.totals.tokens,
            tokens_per_s=self._speed,
            eta_s=(now - self._began) / done * (state.max_steps - state.global_step),
            mfu=self.meter.mfu(self._speed),
            memory_bytes=memory_bytes(),
            peak_memory_bytes=peak_memory_bytes(),
            epoch=self.meter.epoch(state.global_step + self.totals.guard.ahead),
            sources=self.totals.sources,
        )


class Judge(TrainerCallback):
    """Judges the model on the held-out rows, some times during training, and lets it speak."""

    def __init__(self, context: Context, loop: Loop, totals: Totals) -> None:
        self._context, self._loop, self._totals = context, loop, totals
        self.latest = 0.0
        self.perplexity: float | None = None  # none where the loss is not in nats a token
        self.step: int | None = None  # that `latest` is of
        self.metrics: dict[str, float] = {}
        self._tasks = task_judge(context)

    def judge(self, model: Any, step: int) -> None:
        """Report the loss on the held-out rows; all processes share the work out."""
        self.metrics = dict(self._loop.judge(model))
        self.latest, self.step = self.metrics.pop("loss"), step
        self.perplexity = self.metrics.pop("perplexity", None)
        if not math.isfinite(self.latest):
            raise DivergedError(
                f"The loss on the held-out rows is {self.latest} after step {step}.",
                remedy="If no step was made yet the base model is damaged; else lower the "
                "learning rate.",
                step=step,
            )
        if self._totals.first_eval_loss is None:
            self._totals.first_eval_loss = self.latest
            self._totals.first_metrics = dict(self.metrics)
        self._tell(step)

    def refuse_unknown_goal(self) -> None:
        """Raise `BadSpecError` for a goal on a figure that this run does not have; at its start."""
        goal = self._context.spec.goal
        if goal is None:
            return
        known = {"eval_loss", *map(curve_of, self.metrics)}
        if self.perplexity is not None:
            known.add("eval_perplexity")
        if self._tasks is not None:
            known |= self._tasks.figures
        if said := unknown_figure(goal, known):
            raise BadSpecError(said, remedy="Name one of these, or leave the goal out.")

    def ask(self, model: Any, step: int) -> None:
        """Report what the spec's tasks come to, beside the loss.

        The first process answers them; of a sharded model each has to compute its part.
        """
        if self._tasks is None or not (self._context.is_first or is_sharded(model)):
            return
        chat = find_method(self._context.spec.method).CHAT
        self.metrics |= self._tasks.judge(model, self._loop.tokenizer, chat=chat)
        if step == 0:
            self._totals.first_metrics = dict(self.metrics)
        self._tell(step)

    def _tell(self, step: int) -> None:
        self._context.progress.write(
            EvalLine,
            step=step,
            loss=self.latest,
            perplexity=self.perplexity,
            metrics=self.metrics,
        )

    def speak(self, model: Any, step: int) -> None:
        """Report what the model answers to the spec's prompts.

        The first process asks for all; of a sharded model each has to compute its part.
        """
        if not self._context.is_first and not is_sharded(model):
            return
        spec = self._context.spec
        tokenizer, chat = self._loop.tokenizer, find_method(spec.method).CHAT
        for prompt in spec.eval.prompts:
            text = answer(
                model,
                tokenizer,
                prompt,
                chat=chat,
                max_tokens=spec.eval.sample_tokens,
            )
            self._context.progress.write(SampleLine, step=step, prompt=prompt, text=text)

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        spec = self._context.spec
        every = judging_every(spec.eval.every_steps, state.max_steps)
        if state.global_step % every or state.global_step == state.max_steps:
            return
        self.judge(kwargs["model"], state.global_step)
        if spec.early_stop is not None:
            self._totals.standing = after_judging(
                self._totals.standing,
                spec.early_stop,
                step=state.global_step,
                figures={"loss": self.latest},
            )
        if state.global_step - every < state.max_steps / 2 <= state.global_step:
            self.speak(kwargs["model"], state.global_step)


class Keeper(TrainerCallback):
    """Decides after each step whether to save, and whether to stop.

    Training stops for a signal, at the time limit, or when judgings bring nothing any more.
    """

    def __init__(self, context: Context, totals: Totals) -> None:
        self._context, self._totals = context, totals

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        spec = self._context.spec
        every = spec.checkpoint.every_steps or max(1, state.max_steps // CHECKPOINTS_PER_RUN)
        standing = self._totals.standing
        late = out_of_time(spec, self._totals.train_s) or out_of_patience(spec, standing)
        is_best = standing.step == state.global_step
        over, told, best = anywhere(
            self._context.ranks, late, self._context.stop.is_set, is_best, device=args.device
        )
        if told and not self._context.stop.is_set:
            self._context.stop.signal_name = ELSEWHERE
        if over or told:
            control.should_training_stop = True
        last = state.global_step >= state.max_steps or control.should_training_stop
        control.should_save = last or best or state.global_step % every == 0
