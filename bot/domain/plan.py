"""What to do next with a run, and what is news of it: pure functions of its facts and the time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.domain.cost import busy_seconds, cost_so_far
from bot.domain.message import Message, message_about
from bot.domain.posts import AlertPost, ApprovalPost, Post, RunPost
from bot.domain.run import Cancel, JobSeen, JobState, PipelineSeen, PipelineState, Run, RunStatus
from bot.domain.seen import ENDED_PIPELINE
from bot.domain.view import RunView
from trainer.contract.progress import Phase

MOST_SUBMISSIONS = 3  # of one run, when the platform loses its job
# What a service tells of an end may arrive in pieces: the job is over, its last words are not here.
LAST_WORDS = timedelta(seconds=60)
# A pipeline run that was asked for may show up late: until then a cancelled run is not over.
SURFACES = timedelta(seconds=180)


class Step(Enum):
    """The one thing that the reconciler does next for a run."""

    NOTHING = auto()
    START_PIPELINE = auto()
    CANCEL_PIPELINE = auto()
    CANCEL_JOB = auto()
    STOP_FOR_COST = auto()
    RESUBMIT = auto()


def status_of(run: Run, now: datetime) -> RunStatus:
    """Return the run's state as its facts have it; a final state is never left."""
    if run.status.is_final:
        return run.status
    approval = run.wish.approval
    if approval is not None and approval.decision is None:
        if run.wish.cancel is not None:
            return RunStatus.CANCELLED
        return RunStatus.EXPIRED if now >= approval.expires_at else RunStatus.AWAITING_APPROVAL
    if approval is not None and approval.decision is not None and not approval.decision.approved:
        return RunStatus.REJECTED
    job = run.seen.job
    if job is not None and job.state is not JobState.ABSENT:
        return _status_of_job(run, job, now)
    return _status_before_job(run, now)


def _status_before_job(run: Run, now: datetime) -> RunStatus:
    pipeline = run.seen.pipeline
    if pipeline is None:
        is_over = run.wish.cancel is not None and not _may_surface(run, now)
        return RunStatus.CANCELLED if is_over else RunStatus.QUEUED
    if pipeline.state is PipelineState.QUEUED:
        return RunStatus.QUEUED
    if pipeline.state is PipelineState.RUNNING:
        return RunStatus.PREPARING
    if pipeline.state is PipelineState.SUCCEEDED and _may_follow(_end_of(pipeline), now):
        return RunStatus.PREPARING
    return RunStatus.CANCELLED if run.wish.cancel is not None else RunStatus.FAILED


def _may_surface(run: Run, now: datetime) -> bool:
    """Return whether a pipeline run that nobody sees may have been started all the same."""
    return run.start_asked_at is not None and now - run.start_asked_at < SURFACES


def _end_of(pipeline: PipelineSeen) -> datetime | None:
    return max((stage.ended_at for stage in pipeline.stages if stage.ended_at), default=None)


def _may_follow(ended_at: datetime | None, now: datetime) -> bool:
    """Return whether what belongs to an end may still be on its way."""
    return ended_at is not None and now - ended_at < LAST_WORDS


def _status_of_job(run: Run, job: JobSeen, now: datetime) -> RunStatus:
    progress = run.seen.progress
    match job.state:
        case JobState.WAITING:
            return RunStatus.WAITING
        case JobState.RUNNING:
            after = progress is not None and 0 < progress.total <= progress.step
            late = progress is not None and (
                progress.phase is Phase.EXPORT or (progress.phase is Phase.EVALUATE and after)
            )
            return RunStatus.EVALUATING if late else RunStatus.TRAINING
        case JobState.SUCCEEDED:
            if progress is not None and progress.result is not None:
                return RunStatus.SUCCEEDED
            late = _may_follow(job.ended_at, now)
            return RunStatus.EVALUATING if late else RunStatus.FAILED
        case JobState.FAILED if is_to_resubmit(run):
            return RunStatus.QUEUED
        case _:
            return RunStatus.CANCELLED if run.wish.cancel is not None else RunStatus.FAILED


def next_step(run: Run, now: datetime) -> Step:
    """Return what to do for the run now; `run.status` must be fresh from `status_of`.

    Cancelling repeats until it shows, since a pipeline may submit its job in the same moment.
    """
    if run.status.is_final or run.status is RunStatus.AWAITING_APPROVAL:
        return Step.NOTHING
    pipeline, job = run.seen.pipeline, run.seen.job
    has_job = job is not None and job.state is not JobState.ABSENT
    if run.wish.cancel is not None:
        if has_job:
            return Step.CANCEL_JOB
        running = pipeline is None or pipeline.state not in ENDED_PIPELINE
        return Step.CANCEL_PIPELINE if running else Step.NOTHING
    if is_to_resubmit(run):
        return Step.RESUBMIT
    limit = run.spec.budget.cost
    if limit is not None and has_job and cost_so_far(run, now) >= limit:
        return Step.STOP_FOR_COST
    if pipeline is None and not has_job:
        return Step.START_PIPELINE
    return Step.NOTHING


def is_to_resubmit(run: Run) -> bool:
    """Return whether the platform lost the run's job and another one may take it up."""
    job = run.seen.job
    lost = job is not None and job.state is JobState.FAILED and job.is_lost
    return lost and run.wish.cancel is None and run.submission < MOST_SUBMISSIONS


def resubmitted(run: Run, now: datetime) -> Run:
    """Return the run as it asks for its next job; what it has spent stays counted."""
    return replace(
        run,
        submission=run.submission + 1,
        spent_s=busy_seconds(run, now),
        seen=replace(run.seen, pipeline=None, job=None),
        start_asked_at=None,
        status=RunStatus.QUEUED,
    )


def stopped_for_cost(run: Run, now: datetime) -> Run:
    """Return the run with the system's wish that it ends."""
    reason = f"It reached its cost limit of {run.plan.currency} {run.spec.budget.cost:.2f}."
    return replace(run, wish=replace(run.wish, cancel=Cancel(by=None, at=now, reason=reason)))


@dataclass(frozen=True)
class Tempo:
    """How often a card may change while only numbers move."""

    quiet: timedelta = timedelta(seconds=5)


def news(
    run: Run, view: RunView, told: Mapping[str, Message], now: datetime, tempo: Tempo
) -> tuple[Message, ...]:
    """Return the messages to add or to give a newer post; `told` has the run's messages by key.

    One progress card a thread, edited in place: at once when the status changes, seldom while
    only numbers move. One approval card. One alert a thread, at the end. Nothing is said twice,
    because each message's key says what it is.
    """
    wanted: list[Message] = []
    for thread in run.threads:
        wanted.append(message_about(run, thread, "run", RunPost(view), now))
        if run.status.is_final:
            alert = AlertPost(view, run.requester.id, run.requester.name)
            wanted.append(message_about(run, thread, "alert", alert, now))
    if run.threads and run.wish.approval is not None:
        asked = ApprovalPost(view, run.wish.approval.may_decide)
        wanted.append(message_about(run, run.threads[0], "approval", asked, now))
    return tuple(m for m in wanted if _is_news(m, told.get(m.key), now, tempo))


def _is_news(wanted: Message, told: Message | None, now: datetime, tempo: Tempo) -> bool:
    if told is None:
        return True
    if isinstance(wanted.post, AlertPost):
        return False
    if _turn(told.post) != _turn(wanted.post):
        return True
    last = told.edited_at or told.sent_at
    rested = last is None or now - last >= tempo.quiet
    return rested and _numbers(told.post) != _numbers(wanted.post)


def _turn(post: Post) -> tuple[object, ...]:
    """Return what is told at once: the state, and that somebody wants it to stop."""
    if not isinstance(post, RunPost | ApprovalPost):
        return ()
    return (post.run.status, post.run.is_stopping, post.run.attempt, post.run.trouble)


def _numbers(post: Post) -> tuple[object, ...]:
    """Return what is told seldom; never the clock alone, or a waiting card would never rest."""
    if not isinstance(post, RunPost):
        return ()
    run = post.run
    return (run.headline, run.step, run.eval_loss, run.samples, run.queue_position, run.undelivered)
