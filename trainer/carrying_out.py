"""Carry one attempt at a run out, from checked rows to the written model, and record it."""

import os
import warnings
from pathlib import Path

import transformers

from trainer.attempt import attempt_of
from trainer.context import Context
from trainer.contract.failure import FailureKind
from trainer.contract.progress import ResultLine
from trainer.data.gather import Gathered
from trainer.describing import describe_data
from trainer.errors import failure_of
from trainer.lineage import lineage
from trainer.loop import Ingredients
from trainer.pulse import together
from trainer.tracking import Tracker


def carry_out(context: Context, gathered: Gathered, base: Path | None) -> ResultLine | None:
    """Train, judge and write the model; return the result that was reported.

    Goes on from the newest whole checkpoint if there is one. Raises a `TrainerError` for each
    way in which it can end otherwise. Of several processes only the first writes the model and
    reports; the others return None.
    """
    _quieten()
    with together(context, os.environ):
        return _carry_out(context, gathered, base)


def _carry_out(context: Context, gathered: Gathered, base: Path | None) -> ResultLine | None:
    ingredients = Ingredients(context, gathered, base)
    if not context.is_first:
        attempt = attempt_of(ingredients)
        attempt.train()
        attempt.judge_and_export(None)
        return None
    origin = lineage(
        run_id=context.run_id,
        attempt=context.attempt,
        spec_sha256=context.spec_sha256,
        data_sha256=gathered.identity,
    )
    tracker = None
    if context.tracking_uri is not None:
        tracker = Tracker.of_mlflow(
            context.tracking_uri, context.spec, origin, job_attempt=context.job_attempt
        )
        context.progress.listeners.append(tracker.take)
        tracker.start()
    try:
        attempt = attempt_of(ingredients)
        describe_data(context, gathered, attempt.loop)
        attempt.train()
        attempt.judge_and_export(origin)
    except BaseException as error:
        if tracker is not None:
            preempted = failure_of(error).kind is FailureKind.PREEMPTED
            tracker.finish("KILLED" if preempted else "FAILED")
        raise
    return attempt.report(tracker.finish("FINISHED") if tracker is not None else None)


def _quieten() -> None:
    """Keep the libraries' advice to programmers out of a log that a researcher reads."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft|trl)\.")
