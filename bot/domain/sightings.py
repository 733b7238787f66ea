"""What became visible of a run since we last looked, as lines of its audit trail."""

from datetime import datetime

from bot.domain.run import (
    Event,
    JobState,
    PipelineSeen,
    PipelineState,
    Run,
    Source,
    StageSeen,
)

TOLD = frozenset(
    {
        PipelineState.RUNNING,
        PipelineState.SUCCEEDED,
        PipelineState.FAILED,
        PipelineState.CANCELLED,
    }
)


def sightings(before: Run, after: Run, now: datetime) -> tuple[Event, ...]:
    """Return the events between two looks at one run: stages, attempts, checkpoints, results."""
    found = [
        *_stages(before, after),
        *_job(before, after),
        *_progress(before, after),
    ]
    return tuple(Event(after.id, now, None, kind, text, source) for kind, text, source in found)


Line = tuple[str, str, Source]


def new_stages(old: PipelineSeen | None, new: PipelineSeen | None) -> list[StageSeen]:
    """Return the stages that began or ended between two looks at a pipeline run."""
    before = {stage.name: stage.state for stage in old.stages} if old else {}
    return [
        stage
        for stage in (new.stages if new else ())
        if stage.state is not before.get(stage.name) and stage.state in TOLD
    ]


def _stages(before: Run, after: Run) -> list[Line]:
    return [
        ("stage", f"Pipeline stage {stage.name}: {stage.state}.", Source.PIPELINE)
        for stage in new_stages(before.seen.pipeline, after.seen.pipeline)
    ]


def _job(before: Run, after: Run) -> list[Line]:
    old, new = before.seen.job, after.seen.job
    if new is None or new.state is JobState.ABSENT:
        return []
    if old is None or old.state is JobState.ABSENT:
        found: list[Line] = [("job", f"The job was accepted; it is {new.state}.", Source.JOB)]
    elif old.attempt != new.attempt:
        text = f"Attempt {old.attempt} was interrupted; attempt {new.attempt} follows."
        found = [("attempt", text, Source.JOB)]
    elif old.state is not new.state:
        code = f" with exit code {new.exit_code}" if new.exit_code is not None else ""
        found = [("job", f"The job is {new.state}{code}.", Source.JOB)]
    else:
        found = []
    return found


def _progress(before: Run, after: Run) -> list[Line]:
    old, new = before.seen.progress, after.seen.progress
    if new is None:
        return []
    found: list[Line] = []
    if new.phase is not None and (old is None or old.phase is not new.phase):
        found.append(("phase", f"The trainer is in phase {new.phase}.", Source.TRAINER))
    step = new.last_checkpoint_step
    if step is not None and (old is None or old.last_checkpoint_step != step):
        found.append(("checkpoint", f"Checkpoint at step {step:,}.", Source.TRAINER))
    if new.warning and (old is None or old.warning != new.warning):
        found.append(("guard", new.warning, Source.TRAINER))
    return found
