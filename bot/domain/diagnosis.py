"""Why a run failed, in plain words with a remedy; and how a good one did against its goal."""

from bot.domain.redact import redact
from bot.domain.run import JobState, PipelineState, Run, RunStatus
from bot.domain.view import Diagnosis, Verdict
from trainer.contract.goal import goal_in_words, is_reached

SHOWN_LOG_LINES = 12
SIGNALLED = 128  # a shell's exit code for a process that a signal ended is 128 + its number


def diagnose(run: Run) -> Diagnosis | None:
    """Return the plain cause of a failed run; None for any other."""
    if run.status is not RunStatus.FAILED:
        return None
    found = _from_trainer(run) or _from_job(run) or _from_pipeline(run) or _unknown()
    tail = tuple(redact(line) for line in found.log_tail[-SHOWN_LOG_LINES:])
    return Diagnosis(cause=redact(found.cause), remedy=redact(found.remedy), log_tail=tail)


def _from_trainer(run: Run) -> Diagnosis | None:
    progress = run.seen.progress
    if progress is None or progress.failure is None:
        return None
    failure = progress.failure
    at = f" (at step {failure.step})" if failure.step is not None else ""
    return Diagnosis(f"{failure.message}{at}", failure.remedy, progress.log_tail)


def _from_job(run: Run) -> Diagnosis | None:
    job, progress = run.seen.job, run.seen.progress
    if job is None or job.state is JobState.ABSENT:
        return None
    tail = job.log_tail or (progress.log_tail if progress else ())
    if job.fault:
        return Diagnosis(job.fault, "Read the log, then `rerun` it.", tail)
    if job.state is JobState.CANCELLED:
        return Diagnosis(
            "The job was stopped from outside; nobody here asked for it.",
            "Ask who looks after the machine, then `rerun` it.",
            tail,
        )
    if job.state is JobState.SUCCEEDED:
        return Diagnosis(
            "The job ended well but left no result.",
            "This is a fault of the trainer: tell its developers, with the run id.",
            tail,
        )
    if job.exit_code is not None and job.exit_code > SIGNALLED:
        return Diagnosis(
            f"The system killed the job (signal {job.exit_code - SIGNALLED}); "
            "often memory ran out.",
            "Try a smaller batch (`batch=...`) or a shorter `max_length`, then `rerun` it.",
            tail,
        )
    return Diagnosis(
        f"The job ended with exit code {job.exit_code}.", "Read the log, then `rerun` it.", tail
    )


def _from_pipeline(run: Run) -> Diagnosis | None:
    pipeline = run.seen.pipeline
    if pipeline is None:
        return None
    if pipeline.state is PipelineState.FAILED:
        where = f"Step `{pipeline.failed_step}` failed" if pipeline.failed_step else "It failed"
        cause = f"{where}: {pipeline.fault}" if pipeline.fault else f"{where}."
        return Diagnosis(cause, "Mend what it names, then ask again.", pipeline.log_tail)
    if pipeline.state is PipelineState.LOST:
        return Diagnosis(
            "The pipeline ended without saying how; the machine may have been restarted.",
            "`rerun` it.",
            pipeline.log_tail,
        )
    if pipeline.state is PipelineState.CANCELLED:
        return Diagnosis(
            "The pipeline was cancelled from outside.", "`rerun` it.", pipeline.log_tail
        )
    return Diagnosis(
        "The pipeline ended well but no job was submitted.",
        "This is a fault of the pipeline: tell its developers, with the run id.",
        pipeline.log_tail,
    )


def _unknown() -> Diagnosis:
    return Diagnosis("Nobody knows why.", "Read the run's activity, then `rerun` it.")


def judge(run: Run) -> Verdict | None:
    """Return the result against the goal; None without a result."""
    result = run.seen.result
    if run.status is not RunStatus.SUCCEEDED or result is None:
        return None
    start = f"from {result.first_eval_loss:.2f} to {result.eval_loss:.2f}"
    early = f" {result.ended}" if result.ended else ""
    goal = run.spec.goal
    if goal is None:
        return Verdict(f"Evaluation loss went {start}; there was no goal.{early}", None)
    return Verdict(
        f"{goal_in_words(goal, result)} (loss {start}).{early}", is_reached(goal, result)
    )
