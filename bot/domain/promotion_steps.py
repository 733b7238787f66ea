"""What to do next with a promotion: pure functions of its facts and the time."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.domain.promotion import DeploymentSeen, DeploymentState, Promotion, PromotionStatus
from bot.domain.run import Cancel, PipelineSeen, PipelineState
from bot.domain.seen import ENDED_PIPELINE

REGISTER, DEPLOY = "register", "deploy"  # the stages of azure-pipelines/promote.yml
MOST_TRIES = 3  # pipelines that the platform lost are started again, and removals that failed
WARNED_BEFORE = timedelta(days=1)


class Step(Enum):
    """The one thing that the loop does next for a promotion."""

    NOTHING = auto()
    START = auto()
    CANCEL = auto()
    START_AGAIN = auto()
    EXPIRE = auto()
    REMOVE = auto()
    REMOVE_AGAIN = auto()


def status_of(promotion: Promotion, now: datetime, *, is_fresh: bool = False) -> PromotionStatus:
    """Return the state as its facts have it; a final state is never left.

    `is_fresh`: pipelines were looked at just now. Without that a pipeline that is not known may
    have been started a moment ago, so a cancelled promotion is not over yet.
    """
    if promotion.status.is_final:
        return promotion.status
    approval = promotion.wish.approval
    if approval is not None and approval.decision is None:
        if promotion.wish.cancel is not None:
            return PromotionStatus.CANCELLED
        is_late = now >= approval.expires_at
        return PromotionStatus.EXPIRED if is_late else PromotionStatus.AWAITING_APPROVAL
    if approval is not None and approval.decision is not None and not approval.decision.approved:
        return PromotionStatus.REJECTED
    pipeline = promotion.seen.pipeline
    if pipeline is None:
        is_over = promotion.wish.cancel is not None and is_fresh
        return PromotionStatus.CANCELLED if is_over else PromotionStatus.QUEUED
    if pipeline.state not in ENDED_PIPELINE:
        return _on_its_way(promotion, pipeline)
    return _after(promotion, pipeline)


def _on_its_way(promotion: Promotion, pipeline: PipelineSeen) -> PromotionStatus:
    if pipeline.state is PipelineState.QUEUED:
        return PromotionStatus.QUEUED
    if _stage(pipeline, DEPLOY) in (None, PipelineState.QUEUED):
        return PromotionStatus.REGISTERING
    mine = deployment(promotion)
    is_up = mine is not None and mine.state is DeploymentState.READY
    return PromotionStatus.TESTING if is_up else PromotionStatus.DEPLOYING


def _after(promotion: Promotion, pipeline: PipelineSeen) -> PromotionStatus:
    """Return the state once the pipeline has ended: what serves decides, not what it said."""
    mine = deployment(promotion)
    if mine is not None and mine.traffic > 0 and promotion.wish.undeploy is None:
        return PromotionStatus.LIVE
    if promotion.live_at is None and can_try_again(promotion):
        return PromotionStatus.QUEUED
    if mine is not None:
        return PromotionStatus.UNDEPLOYING
    if promotion.live_at is not None:
        return PromotionStatus.RETIRED
    if promotion.wish.cancel is not None:
        return PromotionStatus.CANCELLED
    was_deploying = _stage(pipeline, DEPLOY) in (PipelineState.FAILED, PipelineState.CANCELLED)
    return PromotionStatus.ROLLED_BACK if was_deploying else PromotionStatus.FAILED


def can_try_again(promotion: Promotion) -> bool:
    """Return whether the platform lost the pipeline, and it is worth starting it once more."""
    pipeline = promotion.seen.pipeline
    is_lost = pipeline is not None and pipeline.state is PipelineState.LOST
    return is_lost and promotion.submission < MOST_TRIES and promotion.wish.cancel is None


def next_step(promotion: Promotion, now: datetime, *, is_busy: bool = False) -> Step:
    """Return what to do now; `promotion.status` must be fresh from `status_of`.

    A deployment that has no traffic any more costs as much as one that has it: whatever left it
    there (a newer promotion, a pipeline that died), it is removed. `is_busy`: another promotion
    is on its way to the endpoint, and its pipeline tidies up by itself.
    """
    match promotion.status:
        case PromotionStatus.QUEUED if promotion.seen.pipeline is None:
            return Step.NOTHING if promotion.wish.cancel is not None else Step.START
        case PromotionStatus.QUEUED if can_try_again(promotion):
            return Step.START_AGAIN
        case PromotionStatus.LIVE:
            is_late = promotion.expires_at is not None and now >= promotion.expires_at
            return Step.EXPIRE if is_late else Step.NOTHING
        case PromotionStatus.UNDEPLOYING:
            is_wanted = promotion.wish.undeploy is not None or not is_busy
            return _removal(promotion) if is_wanted else Step.NOTHING
        case _ if promotion.status.is_final or promotion.wish.cancel is None:
            return Step.NOTHING
        case PromotionStatus.AWAITING_APPROVAL:
            return Step.NOTHING
        case _:
            return Step.CANCEL


def _removal(promotion: Promotion) -> Step:
    removal = promotion.seen.removal
    if removal is None:
        return Step.REMOVE
    if removal.state not in ENDED_PIPELINE or promotion.removals >= MOST_TRIES:
        return Step.NOTHING
    return Step.REMOVE_AGAIN


def is_stuck(promotion: Promotion) -> bool:
    """Return whether it could not be undeployed, however often it was tried."""
    removal = promotion.seen.removal
    has_ended = removal is not None and removal.state in ENDED_PIPELINE
    is_undeploying = promotion.status is PromotionStatus.UNDEPLOYING
    return is_undeploying and has_ended and promotion.removals >= MOST_TRIES


def settled(promotion: Promotion, now: datetime, *, is_fresh: bool = False) -> Promotion:
    """Return the promotion with the state that its facts give it, and the times that follow."""
    after = replace(promotion, status=status_of(promotion, now, is_fresh=is_fresh))
    endpoint = after.seen.endpoint
    if after.status is PromotionStatus.LIVE and after.live_at is None:
        expires_at = endpoint.expires_at if endpoint else None
        expires_at = expires_at or now + timedelta(hours=after.plan.hours)
        after = replace(after, live_at=now, expires_at=expires_at)
    if after.status.is_final and after.ended_at is None:
        after = replace(after, ended_at=now)
    return after


def started_again(promotion: Promotion) -> Promotion:
    """Return the promotion with a new name for its pipeline; the one before is spent."""
    seen = replace(promotion.seen, pipeline=None)
    return replace(promotion, submission=promotion.submission + 1, seen=seen)


def removed_again(promotion: Promotion) -> Promotion:
    """Return the promotion with a new name for the pipeline that undeploys it."""
    seen = replace(promotion.seen, removal=None)
    return replace(promotion, removals=promotion.removals + 1, seen=seen)


def expired(promotion: Promotion, now: datetime) -> Promotion:
    """Return the promotion with the system's wish that it ends."""
    wish = Cancel(by=None, at=now, reason=f"Its {promotion.plan.hours:g} hours are over.")
    return replace(promotion, wish=replace(promotion.wish, undeploy=wish))


def expires_soon(promotion: Promotion, now: datetime) -> bool:
    """Return whether to tell now that it will end: a day before, if it was planned for longer."""
    if promotion.status is not PromotionStatus.LIVE or promotion.expires_at is None:
        return False
    is_long = timedelta(hours=promotion.plan.hours) > WARNED_BEFORE
    return is_long and now >= promotion.expires_at - WARNED_BEFORE


def deployment(promotion: Promotion) -> DeploymentSeen | None:
    """Return what serves the promotion's model, with or without traffic."""
    endpoint = promotion.seen.endpoint
    return endpoint.of(promotion.id) if endpoint else None


def _stage(pipeline: PipelineSeen, name: str) -> PipelineState | None:
    return next((each.state for each in pipeline.stages if each.name == name), None)
