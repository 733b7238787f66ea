"""One attempt at a run, from prepared data to the written model."""

import resource
from pathlib import Path
from typing import Any

import torch
import transformers

from trainer.callbacks import Judge, Keeper, Reporter
from trainer.card import model_card
from trainer.checkpoint import Manifest, Totals, commit, newest, prune, step_folder, write_whole
from trainer.context import Context
from trainer.contract.progress import CheckpointLine, Phase, PhaseLine, ResultLine, ResumeLine
from trainer.data.gather import Gathered
from trainer.errors import PreemptedError
from trainer.export import export
from trainer.judge import perplexity
from trainer.lineage import lineage
from trainer.model import build_model, load_model, lora_config
from trainer.prepare import Prepared, prepare
from trainer.train import PackedTrainer, bin_numbers, training_arguments

REPORT = "report.json"
Found = tuple[Path, Manifest]


def carry_out(context: Context, gathered: Gathered, base: Path | None) -> ResultLine:
    """Train, judge and write the model; return the result that was reported.

    Goes on from the newest whole checkpoint if there is one. Raises a `TrainerError` for each
    way in which it can end otherwise.
    """
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    prepared = prepare(context, gathered, base)
    found = newest(context.checkpoints)
    totals = found[1].totals if found else Totals()
    reporter = Reporter(context, totals)
    judge, keeper = Judge(context, prepared, totals), Keeper(context, totals)
    transformers.set_seed(context.spec.optim.seed)
    trainer = PackedTrainer(
        spec=context.spec,
        reporter=reporter,
        keep=_Commit(context, gathered, totals),
        model=_model(context, prepared, base),
        args=training_arguments(context.spec, prepared, context.checkpoints),
        train_dataset=bin_numbers(prepared),
        data_collator=prepared.train,
        processing_class=prepared.tokenizer,
        peft_config=lora_config(context.spec.tuning),
        callbacks=[reporter, judge, keeper],
    )
    _train(context, gathered, prepared, trainer, judge, found)
    return _finish(context, gathered, prepared, trainer, judge, totals)


def _train(
    context: Context,
    gathered: Gathered,
    prepared: Prepared,
    trainer: PackedTrainer,
    judge: Judge,
    found: Found | None,
) -> None:
    """Run the loop. Raises `PreemptedError` after the checkpoint of an early stop."""
    progress = context.progress
    if found is None:
        _refuse_stop(context, step=0, of=prepared.steps)
        progress.write(PhaseLine, phase=Phase.EVALUATE, note="before training")
        judge.judge(trainer.model, 0)
        judge.speak(trainer.model, 0)
    else:
        progress.write(ResumeLine, step=found[1].step, **_exactness(context, gathered, found[1]))
    progress.write(PhaseLine, phase=Phase.TRAIN)
    if found and found[1].step >= prepared.steps:
        trainer.load_weights(found[0])
    else:
        trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
    if trainer.state.global_step < prepared.steps:
        _refuse_stop(context, step=trainer.state.global_step, of=prepared.steps)


def _finish(
    context: Context,
    gathered: Gathered,
    prepared: Prepared,
    trainer: PackedTrainer,
    judge: Judge,
    totals: Totals,
) -> ResultLine:
    """Judge and write the model, then report the result: the last line, once all is on disk."""
    progress, spec, step = context.progress, context.spec, trainer.state.global_step
    progress.write(PhaseLine, phase=Phase.EVALUATE)
    judge.judge(trainer.model, step)
    judge.speak(trainer.model, step)
    progress.write(PhaseLine, phase=Phase.EXPORT)
    result = ResultLine(
        at=0.0,
        steps=step,
        tokens=totals.tokens,
        train_s=totals.train_s,
        loss=totals.loss,
        eval_loss=judge.latest,
        eval_perplexity=perplexity(judge.latest),
        first_eval_loss=totals.first_eval_loss,
        peak_memory_bytes=peak_memory_bytes(),
        model=str(context.model_folder.relative_to(context.output)),
    )
    origin = lineage(
        run_id=context.run_id,
        attempt=context.attempt,
        spec_sha256=context.spec_sha256,
        data_sha256=gathered.identity,
    )
    card = model_card(spec, prepared.data, result, origin)
    tokens = prepared.held_out.batch([0])["input_ids"]
    export(trainer.model, prepared.tokenizer, context.model_folder, card=card, tokens=tokens)
    values = result.model_dump(exclude={"at", "attempt", "kind"})
    write_whole(context.output / REPORT, result.model_dump_json(indent=1))
    return progress.write(ResultLine, **values)


class _Commit:
    """Turns what transformers has written into a checkpoint of ours, and prunes older ones."""

    def __init__(self, context: Context, gathered: Gathered, totals: Totals) -> None:
        self._context, self._gathered, self._totals = context, gathered, totals

    def __call__(self, written: Path, step: int, world_size: int) -> None:
        context = self._context
        final = step_folder(context.checkpoints, step)
        manifest = Manifest(
            step=step,
            spec_sha256=context.spec_sha256,
            data_sha256=self._gathered.identity,
            world_size=world_size,
            torch=torch.__version__,
            totals=self._totals,
            files={},
        )
        commit(written, final, manifest)
        prune(context.checkpoints, keep=context.spec.checkpoint.keep)
        path = str(final.relative_to(context.output))
        context.progress.write(CheckpointLine, step=step, path=path)


def peak_memory_bytes() -> int:
    """Return the most memory that was held: the GPU's if there is one, else the process's."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _model(context: Context, prepared: Prepared, base: Path | None) -> Any:
    spec = context.spec
    if base is not None:
        return load_model(base, max_length=spec.data.max_length)
    assert spec.model.config is not None
    return build_model(spec.model.config, prepared.tokenizer, max_length=spec.data.max_length)


def _exactness(context: Context, gathered: Gathered, manifest: Manifest) -> dict[str, Any]:
    """Return whether the checkpoint's run and this one are the same computation, and why not."""
    changed = [
        name
        for name, was, now in (
            ("the spec", manifest.spec_sha256, context.spec_sha256),
            ("the data", manifest.data_sha256, gathered.identity),
            ("the version of torch", manifest.torch, torch.__version__),
        )
        if was != now
    ]
    note = f"{' and '.join(changed)} changed since the checkpoint" if changed else ""
    return {"exact": not changed, "note": note}


def _refuse_stop(context: Context, *, step: int, of: int) -> None:
    if context.stop.is_set:
        kept = "A checkpoint is saved" if step else "Nothing had been trained yet"
        raise PreemptedError(
            f"Stopped by {context.stop.signal_name} after step {step} of {of}. {kept}.",
            remedy="Start it again with the same output folder: it goes on from there.",
            step=step,
        )
