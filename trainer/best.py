"""Go back to the weights of the best judging when training has ended."""

from typing import Any

from trainer.callbacks import Judge
from trainer.context import Context
from trainer.contract.progress import Phase, PhaseLine
from trainer.early_stop import Standing
from trainer.keeping import find_step
from trainer.sharding import is_sharded


def take_best(context: Context, trainer: Any, best: Standing, judge: Judge) -> int | None:
    """Load the weights of the best judging, where the last one was worse; return its step.

    All processes call it: they come to the same verdict, and of a sharded model each loads its
    part. A checkpoint that is damaged leaves the last weights, and the progress says so.
    """
    if best.step in (None, trainer.state.global_step) or best.loss >= judge.latest:
        return None
    folder = find_step(context, best.step)
    if folder is None:
        note = f"the best checkpoint, of step {best.step}, is damaged: the last weights stay"
        context.progress.write(PhaseLine, phase=Phase.EVALUATE, note=note)
        return None
    if context.is_first or is_sharded(trainer.model):
        trainer.load_weights(folder)
    judge.latest = best.loss
    note = f"the weights of step {best.step} are the best: held-out loss {best.loss:.4f}"
    context.progress.write(PhaseLine, phase=Phase.EVALUATE, note=note)
    return best.step
