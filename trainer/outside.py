"""Folders beside the output folder that somebody else gives, reads or keeps.

On a machine of one's own there are none. A node of a cluster is thrown away with all that an
attempt wrote on it: data comes in mounted, checkpoints go to a mount that outlives the node, and
what people look at goes where the service picks it up.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from trainer.checkpoint import (
    MANIFEST,
    PARTIAL,
    newest,
    prune,
    read_manifest,
    whole,
    write_whole,
)
from trainer.contract.progress import SampleLine, read_line

log = logging.getLogger(__name__)

ATTEMPTS = "attempts.json"
SAMPLES = "samples.json"
CARD = "model-card.md"
DATA_CARD = "data-card.md"


@dataclass(frozen=True)
class Outside:
    """`inputs` are `train`, `eval` (files) and `base` (a model's folder), where they are given.

    `keep` takes a copy of each whole checkpoint, and a new attempt goes on from it; `model` the
    finished model; `logs` the progress file; `artifacts` what is small and worth a look.
    """

    inputs: Mapping[str, Path] = field(default_factory=dict)
    keep: Path | None = None
    model: Path | None = None
    logs: Path | None = None
    artifacts: Path | None = None


def begin_attempt(keep: Path, job: str) -> tuple[int, int]:
    """Count an attempt; return its number among all of the run, and among those of this job.

    The count lies beside the checkpoints: a node knows nothing of the ones before it.
    """
    path = keep / ATTEMPTS
    try:
        jobs = [str(name) for name in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError):
        jobs = []
    jobs.append(job)
    keep.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(jobs))
    return len(jobs), jobs.count(job)


def restore(keep: Path, checkpoints: Path) -> None:
    """Bring the newest whole checkpoint to the node's disk, unless a newer one is there.

    The one with the best weights so far comes along, where that is another.
    """
    found, here = newest(keep), newest(checkpoints)
    if found is None or (here is not None and here[1].step >= found[1].step):
        return
    source, manifest = found
    copy_checkpoint(source, checkpoints / source.name)
    best = manifest.totals.standing.step
    if best != manifest.step and (other := whole(keep, best)) is not None:
        copy_checkpoint(other, checkpoints / other.name)
    log.warning("the checkpoint of step %d was brought back from %s", manifest.step, keep)


def keep_checkpoint(source: Path, keep: Path, *, most: int, best: int | None = None) -> bool:
    """Copy a whole checkpoint to `keep`; return False when that failed.

    Training goes on then: the next checkpoint tries again, and a copy cut short has no manifest.
    """
    try:
        copy_checkpoint(source, keep / source.name)
        prune(keep, keep=most, best=best)
    except OSError as error:
        log.warning("the checkpoint %s could not be kept in %s: %s", source.name, keep, error)
        return False
    return True


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy file by file, the manifest last: renames have failed on mounted blob storage."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    manifest = read_manifest(source)
    assert manifest is not None
    for name in manifest.files:
        shutil.copyfile(source / name, target / name)
    shutil.copyfile(source / MANIFEST, target / MANIFEST)


def deliver_model(folder: Path, target: Path) -> None:
    """Copy the finished model to where others look for it."""
    shutil.copytree(folder, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(PARTIAL))


def deliver_artifacts(output: Path, progress: Path, target: Path) -> None:
    """Copy what is small and worth a look: report, lineage, model card, data card, samples."""
    target.mkdir(parents=True, exist_ok=True)
    cards = (("model/README.md", CARD), (DATA_CARD, DATA_CARD))
    told = (("report.json", "report.json"), ("model/lineage.json", "lineage.json"))
    for name, kept in (*told, *cards):
        if (output / name).is_file():
            shutil.copyfile(output / name, target / kept)
    write_whole(target / SAMPLES, json.dumps(_samples(progress), ensure_ascii=False, indent=1))


def _samples(progress: Path) -> list[dict[str, object]]:
    found = []
    for text in progress.read_bytes().splitlines():
        try:
            line = read_line(text)
        except ValidationError:
            continue
        if isinstance(line, SampleLine):
            found.append({"step": line.step, "prompt": line.prompt, "text": line.text})
    return found
