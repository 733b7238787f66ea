"""The pieces of one attempt at a run, put together: train, judge, write the model, report."""

import gc
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers

from trainer.bad_batches import BadBatches
from trainer.best import take_best
from trainer.callbacks import Judge, Keeper, Reporter
from trainer.card import model_card
from trainer.checkpoint import Manifest, Totals, changes, write_whole
from trainer.contract.azure_job import IMAGE_VARIABLE
from trainer.contract.goal import against_goal
from trainer.contract.progress import CheckpointLine, Phase, PhaseLine, ResultLine, ResumeLine
from trainer.contract.spread import in_words
from trainer.early_stop import why_ended
from trainer.errors import PreemptedError
from trainer.export import Base, Parcel, export
from trainer.guardian import RollBack
from trainer.hardware import hardware, peak_memory_bytes
from trainer.keeping import find, has_chance_of_all, put
from trainer.lineage import Circumstances, Lineage, write_lineage
from trainer.loop import Ingredients, Loop, Watch
from trainer.meter import meter_of
from trainer.method import find_method
from trainer.outside import deliver_artifacts, deliver_model
from trainer.sharding import plan, whole
from trainer.stall import LastStep, Watchdog, end_process, lost_since
from trainer.weights import model_hash

REPORT = "report.json"
Found = tuple[Path, Manifest]


def attempt_of(ingredients: Ingredients) -> "Attempt":
    """Return the attempt with the loop of its method, the data prepared and reported."""
    return Attempt(ingredients, find_method(ingredients.context.spec.method).make_loop(ingredients))


class Attempt:
    """The pieces of one attempt, put together."""

    def __init__(self, ingredients: Ingredients, loop: Loop) -> None:
        self.context, self.loop, self.base = ingredients.context, loop, ingredients.base
        self.data_sha256 = ingredients.gathered.identity
        context = self.context
        self.found = find(context)
        self.spread = plan(context, ingredients.base)
        self.totals = self.found[1].totals if self.found else Totals()
        reporter = Reporter(context, self.totals)
        self.judge = Judge(context, loop, self.totals)
        self.model_sha256 = ""  # until it is written
        self.best_step: int | None = None
        self._last = LastStep.of(context)
        self._watchdog = Watchdog(context, self.totals, end_process(context))
        copies = context.outside.artifacts
        batches = BadBatches(context.output, ingredients.gathered.split.train, copies=copies)
        self._watch = Watch(
            reporter,
            self._keep,
            [reporter, self.judge, Keeper(context, self.totals), self._watchdog],
            spread=self.spread,
            batches=batches,
            is_first_of_machine=context.seat.is_first_of_machine,
            compiled=self.found[1].compiled if self.found else None,
        )
        self.trainer = self._make_trainer()
        reporter.meter = meter_of(ingredients, loop, self.trainer.model)

    def _make_trainer(self) -> Any:
        seed, rank = self.context.spec.optim.seed, self.context.seat.rank
        transformers.set_seed(seed)
        trainer = self.loop.make_trainer(self._watch)
        # Going back to a checkpoint makes another one, which does as this one.
        self._watch = replace(self._watch, compiled=trainer.compiles)
        if rank:  # Weights begin equal in all processes, dropout differs.
            transformers.set_seed(seed + rank)
        return trainer

    def train(self) -> None:
        """Run the loop. Raises `PreemptedError` after the checkpoint of an early stop."""
        context, loop, found = self.context, self.loop, self.found
        lost = lost_since(self._last, found[1].step if found else 0, self.totals)
        if found is None:
            self._refuse_stop(0)
            if lost:
                context.progress.write(ResumeLine, step=0, exact=True, **lost)
            context.progress.write(PhaseLine, phase=Phase.EVALUATE, note="before training")
            self._judge(0, with_tasks=context.spec.eval.compare_base)
        else:
            context.progress.write(
                ResumeLine, step=found[1].step, **self._exactness(*found), **lost
            )
        spread = in_words(context.spec, self.spread, processes=context.ranks)
        note = f"{spread} {self.trainer.how}".strip()
        context.progress.write(PhaseLine, phase=Phase.TRAIN, note=note)
        if found is not None and (found[1].step >= loop.steps or self.ended):
            self.trainer.load_weights(found[0])
            self.trainer.state.global_step = found[1].step
        else:
            while (found := self._loop(found)) is not None:
                # As a new process would go on from the checkpoint; the old model goes first.
                del self.trainer
                gc.collect()
                self.trainer = self._make_trainer()
        if self.step < loop.steps:
            self._refuse_stop(self.step)

    def _loop(self, found: Found | None) -> Found | None:
        """Train to the end; return the checkpoint to begin anew from, if the guard asks for it."""
        try:
            self.trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
        except RollBack as wish:
            return wish.found
        finally:
            self._watchdog.rest()
        return None

    def judge_and_export(self, origin: Lineage | None) -> None:
        """Judge the trained model and write it, with its card; the first process has `origin`."""
        context, loop = self.context, self.loop
        tasks = context.spec.eval.tasks
        context.progress.write(PhaseLine, phase=Phase.EVALUATE, note=self.ended)
        if self.judge.step != self.step:
            self.judge.judge(self.trainer.model, self.step)
        self.best_step = take_best(context, self.trainer, self.totals.standing, self.judge)
        if self.best_step is not None and self.judge.metrics:  # They are of the last weights.
            self.judge.judge(self.trainer.model, self.best_step)
        if tasks:
            context.progress.write(PhaseLine, phase=Phase.EVALUATE, note=", ".join(tasks))
            self.judge.ask(self.trainer.model, self.best_step or self.step)
        self.judge.speak(self.trainer.model, self.step)
        context.progress.write(PhaseLine, phase=Phase.EXPORT)
        model = whole(self.trainer.model)
        if origin is None:
            return
        card = model_card(context.spec, loop.data, self._result(None), origin)
        folder, merge = context.model_folder, context.spec.export.merge
        export(model, folder, self._parcel(card), base=self._named_base(), merge=merge)
        write_lineage(folder, origin, context.spec, self._circumstances())
        self.model_sha256 = model_hash(folder)

    def _parcel(self, card: str) -> Parcel:
        spec, loop = self.context.spec, self.loop
        chat = find_method(spec.method).CHAT
        tried = {"prompt": spec.eval.prompts[0]} if spec.eval.prompts else {}
        return Parcel(loop.tokenizer, card, loop.example(), chat=chat, **tried)

    def _named_base(self) -> Base | None:
        source = self.context.spec.model.source
        return None if self.base is None or source is None else Base(self.base, source)

    def report(self, mlflow_run_id: str | None) -> ResultLine:
        """Report the result: the last line, written once everything else is on disk."""
        result, context = self._result(mlflow_run_id), self.context
        write_whole(context.output / REPORT, result.model_dump_json(indent=1))
        if context.outside.model is not None:
            deliver_model(context.model_folder, context.outside.model)
        if context.outside.artifacts is not None:
            artifacts = context.outside.artifacts
            deliver_artifacts(context.output, context.progress.path, artifacts)
        values = result.model_dump(exclude={"at", "attempt", "kind"})
        return context.progress.write(ResultLine, **values)

    def _circumstances(self) -> Circumstances:
        return Circumstances(
            base_sha256=model_hash(self.base) if self.base is not None else None,
            image=os.environ.get(IMAGE_VARIABLE),
            hardware=hardware(),
            world_size=self.context.ranks,
            compiled=self.trainer.compiles,
            precision=self.trainer.precision.name,
        )

    @property
    def step(self) -> int:
        """Return how many optimizer steps have been made, over all attempts."""
        return int(self.trainer.state.global_step)

    @property
    def ended(self) -> str:
        """Return in a sentence why training ended before its planned steps, if it did."""
        return why_ended(self.context.spec, self.totals.standing, self.totals.train_s)

    def _judge(self, step: int, *, with_tasks: bool) -> None:
        self.judge.judge(self.trainer.model, step)
        self.judge.refuse_unknown_goal()
        if with_tasks:
            self.judge.ask(self.trainer.model, step)
        self.judge.speak(self.trainer.model, step)

    def _result(self, mlflow_run_id: str | None) -> ResultLine:
        assert self.totals.first_eval_loss is not None
        result = ResultLine(
            at=0.0,
            steps=self.step,
            tokens=self.totals.tokens,
            train_s=self.totals.train_s,
            loss=self.totals.loss,
            eval_loss=self.judge.latest,
            eval_perplexity=self.judge.perplexity,
            first_eval_loss=self.totals.first_eval_loss,
            peak_memory_bytes=peak_memory_bytes(),
            model=str(self.context.model_folder.relative_to(self.context.output)),
            model_sha256=self.model_sha256,
            ended=self.ended if self.step < self.loop.steps else "",
            best_step=self.best_step,
            metrics=self.judge.metrics,
            first_metrics=self.totals.first_metrics,
            mlflow_run_id=mlflow_run_id,
        )
        return against_goal(result, self.context.spec.goal)

    def _keep(self, written: Path, step: int, world_size: int) -> None:
        """Make what transformers has written a checkpoint of ours, and prune older ones."""
        path = put(self.context, written, self._manifest(step, world_size))
        if path is not None and self.context.is_first:
            self.context.progress.write(CheckpointLine, step=step, path=path)

    def _manifest(self, step: int, world_size: int) -> Manifest:
        """Return what a checkpoint of now is of; its files are not known yet."""
        return Manifest(
            step=step,
            spec_sha256=self.context.spec_sha256,
            data_sha256=self.data_sha256,
            world_size=world_size,
            sharded=self.spread.is_sharded,
            compiled=self.trainer.compiles,
            torch=torch.__version__,
            totals=self.totals,
            files={},
        )

    def _exactness(self, checkpoint: Path, manifest: Manifest) -> dict[str, Any]:
        """Return whether the checkpoint's run and this one are the same computation."""
        world_size = self.trainer.args.world_size
        changed = changes(manifest, self._manifest(manifest.step, world_size))
        note = f"Changed since the checkpoint: {', '.join(changed)}." if changed else ""
        if not changed and not has_chance_of_all(checkpoint, world_size):
            return {"exact": False, "note": "The chance of later processes was not kept."}
        return {"exact": not changed, "note": note}

    def _refuse_stop(self, step: int) -> None:
        if self.context.stop.is_set:
            kept = "A checkpoint is saved" if step else "Nothing had been trained yet"
            raise PreemptedError(
                f"Stopped by {self.context.stop.signal_name} after step {step} of "
                f"{self.loop.steps}. {kept}.",
                remedy="Start it again with the same output folder: it goes on from there.",
                step=step,
            )
