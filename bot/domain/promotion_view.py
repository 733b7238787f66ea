"""A promotion as people see it: one flat picture for cards, console and page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.picture import being_stopped, cancelled, open_question, rejected
from bot.domain.promotion import Promotion, PromotionPlan, PromotionStatus
from bot.domain.promotion_steps import deployment, is_stuck
from bot.domain.reasons import because
from bot.domain.redact import redact
from bot.domain.run import PipelineSeen, PipelineState
from bot.domain.view import PendingApproval, RailStage, RailState

STAGES = ("approved", "registered", "deployed", "tested", "live")
PLACE = {
    PromotionStatus.AWAITING_APPROVAL: 0,
    PromotionStatus.REJECTED: 0,
    PromotionStatus.EXPIRED: 0,
    PromotionStatus.QUEUED: 1,
    PromotionStatus.REGISTERING: 1,
    PromotionStatus.DEPLOYING: 2,
    PromotionStatus.TESTING: 3,
    PromotionStatus.LIVE: 5,
    PromotionStatus.UNDEPLOYING: 5,
    PromotionStatus.RETIRED: 5,
}
LOG_LINES = 12


@dataclass(frozen=True)
class PromotionView:
    """Everything that a card or page shows of a promotion. Money in `plan.currency`."""

    id: str
    run_id: str
    run_name: str
    model: str
    version: str  # of the registered model; empty before it is known
    endpoint: str
    url: str  # where to call it; empty before it is live
    requester_id: str
    requester: str
    status: PromotionStatus
    headline: str
    created_at: datetime
    live_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    plan: PromotionPlan
    rail: tuple[RailStage, ...]
    pipeline_url: str | None = None
    waits_for: tuple[str, ...] = ()
    fault: str = ""
    log_tail: tuple[str, ...] = ()
    approval: PendingApproval | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    is_stopping: bool = False
    note: str = ""  # what is not as it should be with what serves


def promotion_view(promotion: Promotion) -> PromotionView:
    """Return the picture of a promotion."""
    mine, endpoint = deployment(promotion), promotion.seen.endpoint
    decision = promotion.wish.approval.decision if promotion.wish.approval else None
    pipeline = _telling(promotion)
    is_up = promotion.status is PromotionStatus.LIVE and endpoint is not None
    return PromotionView(
        id=promotion.id,
        run_id=promotion.run_id,
        run_name=promotion.run_name,
        model=promotion.model,
        version=mine.version if mine else "",
        endpoint=promotion.endpoint,
        url=endpoint.url if is_up and endpoint else "",
        requester_id=promotion.requester.id,
        requester=promotion.requester.name,
        status=promotion.status,
        headline=redact(headline(promotion)),
        created_at=promotion.created_at,
        live_at=promotion.live_at,
        expires_at=promotion.expires_at,
        ended_at=promotion.ended_at,
        plan=promotion.plan,
        rail=_rail(promotion),
        pipeline_url=pipeline.url if pipeline else None,
        waits_for=pipeline.waits_for if pipeline and not promotion.status.is_settled else (),
        fault=redact(_fault(promotion)),
        log_tail=_log_tail(promotion),
        approval=open_question(promotion),
        decided_by=decision.by.name if decision else None,
        decision_reason=decision.reason or None if decision else None,
        is_stopping=promotion.wish.cancel is not None and not promotion.status.is_settled,
        note=redact(mine.note) if mine and is_up else "",
    )


def headline(promotion: Promotion) -> str:
    """Return one sentence: what is going on, or how it ended."""
    cancel = promotion.wish.cancel
    if cancel is not None and not promotion.status.is_settled:
        return being_stopped(cancel)
    said = HEADLINES[promotion.status]
    return said if isinstance(said, str) else said(promotion)


def _failed(promotion: Promotion) -> str:
    return _fault(promotion) or "It failed, and nobody knows why: read the pipeline's log."


def _rolled_back(promotion: Promotion) -> str:
    replaced = promotion.plan.replaces
    still = "What was live before serves on." if replaced else "Nothing is served."
    return f"{_failed(promotion)} {still}"


def _live(promotion: Promotion) -> str:
    late = promotion.wish.cancel is not None
    return "It was live before it could be stopped." if late else "The model is served."


def _undeploying(promotion: Promotion) -> str:
    if is_stuck(promotion):
        return (
            f"It could not be undeployed and goes on costing. {_fault(promotion)} "
            f"Then say `undeploy {promotion.endpoint}` once more."
        )
    return "It is being undeployed."


def _retired(promotion: Promotion) -> str:
    wish, endpoint = promotion.wish.undeploy, promotion.seen.endpoint
    if wish is not None and wish.by is not None:
        return f"Undeployed by {wish.by.name}{because(wish.reason)}"
    if wish is not None:
        return f"Undeployed. {wish.reason}"
    live = endpoint.live if endpoint else None
    if live is not None:
        return f"Replaced by {live.key}."
    return "It is no longer there; somebody undeployed it elsewhere."


HEADLINES: dict[PromotionStatus, str | Callable[[Promotion], str]] = {
    PromotionStatus.AWAITING_APPROVAL: "Waits for another person to agree.",
    PromotionStatus.QUEUED: "Waits for the pipeline.",
    PromotionStatus.REGISTERING: "The model is being registered.",
    PromotionStatus.DEPLOYING: "The model is being deployed; nothing is switched yet.",
    PromotionStatus.TESTING: "The model is up and being tested; nothing is switched yet.",
    PromotionStatus.LIVE: _live,
    PromotionStatus.UNDEPLOYING: _undeploying,
    PromotionStatus.FAILED: _failed,
    PromotionStatus.ROLLED_BACK: _rolled_back,
    PromotionStatus.CANCELLED: cancelled,
    PromotionStatus.REJECTED: rejected,
    PromotionStatus.EXPIRED: "Nobody agreed in time; ask for it again.",
    PromotionStatus.RETIRED: _retired,
}


def _telling(promotion: Promotion) -> PipelineSeen | None:
    """Return the pipeline run that has something to say now."""
    return promotion.seen.removal or promotion.seen.pipeline


def _fault(promotion: Promotion) -> str:
    pipeline = _telling(promotion)
    if pipeline is None or pipeline.state is PipelineState.SUCCEEDED:
        ended = pipeline is not None and promotion.status is PromotionStatus.FAILED
        return "The pipeline ended well but nothing serves the model." if ended else ""
    if pipeline.state is PipelineState.LOST:
        return "The pipeline ended without saying how; its machine may have been restarted."
    if pipeline.state is PipelineState.CANCELLED and promotion.wish.cancel is None:
        return "The pipeline was cancelled from outside."
    return pipeline.fault or ""


def _log_tail(promotion: Promotion) -> tuple[str, ...]:
    failed = (PromotionStatus.FAILED, PromotionStatus.ROLLED_BACK)
    pipeline = promotion.seen.pipeline
    if promotion.status not in failed or pipeline is None:
        return ()
    return tuple(redact(line) for line in pipeline.log_tail[-LOG_LINES:])


def _rail(promotion: Promotion) -> tuple[RailStage, ...]:
    place = PLACE.get(promotion.status, _reached(promotion))
    return tuple(
        RailStage(name, _rail_state(promotion, index, place)) for index, name in enumerate(STAGES)
    )


def _reached(promotion: Promotion) -> int:
    """Return how far a promotion came that ended on its way."""
    if promotion.status is PromotionStatus.ROLLED_BACK:
        return 2
    waited = promotion.wish.approval is not None and promotion.wish.approval.decision is None
    return 0 if waited else 1


def _rail_state(promotion: Promotion, index: int, place: int) -> RailState:
    if index == 0 and promotion.wish.approval is None:
        return RailState.SKIPPED
    if index < place:
        return RailState.DONE
    if index > place:
        return RailState.AHEAD
    return RailState.FAILED if promotion.status.is_final else RailState.NOW
