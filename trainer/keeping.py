"""Where the processes of a run find their checkpoint, and where they put a new one together."""

import shutil
from pathlib import Path

from trainer.checkpoint import (
    MANIFEST,
    Manifest,
    commit,
    newest,
    prune,
    read_manifest,
    step_folder,
    whole,
    write_whole,
)
from trainer.context import Context
from trainer.contract.data_files import file_hash
from trainer.errors import BadSpecError, TrainerError
from trainer.group import first_says, gathered, wait_for_all
from trainer.outside import keep_checkpoint, restore


def find(context: Context) -> tuple[Path, Manifest] | None:
    """Return the newest whole checkpoint, the same one in every process.

    Raises `TrainerError` where this machine has not got what the first process found.
    """
    seat, folder = context.seat, context.checkpoints
    if context.outside.keep is not None and seat.is_first_of_machine:
        restore(context.outside.keep, folder)
    wait_for_all()
    found = newest(folder) if seat.is_first else None
    step = first_says(found[1].step if found else None)
    if step is None or found is not None:
        return found
    path = step_folder(folder, step)
    manifest = read_manifest(path)
    if manifest is None:
        raise TrainerError(
            f"The run goes on from step {step}, but process {seat.rank} has no checkpoint of it.",
            remedy="Give all machines the same --keep folder, one that outlives them.",
        )
    return path, manifest


def find_step(context: Context, step: int | None) -> Path | None:
    """Return the whole checkpoint of `step`, here or in the folder that outlives this machine.

    The first process looks, and all go by what it found.
    """
    folders = [context.checkpoints, *filter(None, [context.outside.keep])]
    number = None
    if context.seat.is_first:
        there = [number for number, folder in enumerate(folders) if whole(folder, step)]
        number = there[-1] if there else None
    number = first_says(number)
    return None if number is None or step is None else step_folder(folders[number], step)


def put(context: Context, written: Path, manifest: Manifest) -> str | None:
    """Make what the processes have written a whole checkpoint; older ones go.

    Returns its path, relative to the output folder, or None where it could not be kept beyond
    this machine. All processes call it and come out of it together.
    """
    wait_for_all()
    if manifest.sharded and context.seat.machines > 1:
        path: str | None = _put_together(context, written, manifest)
    elif context.seat.is_first:
        path = _put_here(context, written, manifest)
    else:
        path = None
    wait_for_all()
    return path


def has_chance_of_all(checkpoint: Path, world_size: int) -> bool:
    """Return whether the state of every process's random numbers lies in the checkpoint."""
    if world_size == 1:
        return True
    return all((checkpoint / f"rng_state_{rank}.pth").is_file() for rank in range(world_size))


def _put_here(context: Context, written: Path, manifest: Manifest) -> str | None:
    final = step_folder(context.checkpoints, manifest.step)
    most, keep = context.spec.checkpoint.keep, context.outside.keep
    best = manifest.totals.standing.step
    commit(written, final, manifest)
    prune(context.checkpoints, keep=most, best=best)
    if keep is not None and not keep_checkpoint(final, keep, most=most, best=best):
        return None
    return str(final.relative_to(context.output))


def _put_together(context: Context, written: Path, manifest: Manifest) -> str:
    """Bring the parts of several machines together in the folder that all of them see.

    Each machine copies its own; the manifest comes last, when all are there.
    """
    keep, seat = context.outside.keep, context.seat
    if keep is None:
        raise BadSpecError(
            f"The model is shared out among {seat.machines} machines, and no folder is given that "
            "all of them see: a checkpoint would lie in pieces.",
            remedy="Give --keep, or set compute.sharding to none.",
        )
    final = step_folder(keep, manifest.step)
    if seat.is_first:
        shutil.rmtree(final, ignore_errors=True)
        final.mkdir(parents=True)
    wait_for_all()
    mine: dict[str, str] = {}
    if seat.is_first_of_machine:
        for path in sorted(written.iterdir()):
            shutil.copyfile(path, final / path.name)
            mine[path.name] = file_hash(path)
    every = gathered(mine)
    if seat.is_first:
        files = {name: digest for part in every for name, digest in part.items()}
        all_there = manifest.model_copy(update={"files": files})
        write_whole(final / MANIFEST, all_there.model_dump_json(indent=1))
        best = manifest.totals.standing.step
        prune(keep, keep=context.spec.checkpoint.keep, best=best)
    return str(final)
