"""One post of every kind about promotions, ordinary and hostile, for the table of samples."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.posts import Post
from bot.domain.promotion import (
    DeploymentSeen,
    DeploymentState,
    EndpointSeen,
    ModelVersion,
    PromotionPlan,
    PromotionStatus,
)
from bot.domain.promotion_posts import (
    ModelsPost,
    PromotionAlertPost,
    PromotionApprovalPost,
    PromotionExpiryPost,
    PromotionPlanPost,
    PromotionPost,
)
from bot.domain.promotion_view import PromotionView
from bot.domain.view import PendingApproval, RailStage, RailState
from tests.bot.cards.sample_runs import HOSTILE

AT = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
RUN = "run-20261123-a2b3c4"
ID = "promo-20261124-a2b3c4"
PLAN = PromotionPlan(
    machine="local-cpu",
    instances=1,
    instances_in_switch=2,
    hours=24.0,
    price_per_hour=0.05,
    currency="EUR",
    model_sha256="ab" * 32,
    order_sha256="cd" * 32,
    replaces="promo-20261123-zzzzzz",
    warnings=("Goal missed: evaluation loss 4.10, goal below 4.",),
)
LIVE = PromotionView(
    id=ID,
    run_id=RUN,
    run_name="first-try",
    model="assistant",
    version="3",
    endpoint="assistant",
    url="http://127.0.0.1:3978/endpoints/assistant/v1",
    requester_id="a1",
    requester="Alex Wilber",
    status=PromotionStatus.LIVE,
    headline="The model is served.",
    created_at=AT,
    live_at=AT,
    expires_at=AT,
    ended_at=None,
    plan=PLAN,
    rail=(RailStage("registered", RailState.DONE), RailStage("live", RailState.DONE)),
)
WAY = replace(LIVE, url="", live_at=None, expires_at=None)
VIEWS = {
    "live": LIVE,
    "live in Azure": replace(LIVE, url="https://assistant.westeurope.inference.ml.azure.com/v1"),
    "unwell": replace(LIVE, note="It is being started again."),
    **{
        status.value: replace(WAY, status=status, headline=f"It is {status.value}.")
        for status in PromotionStatus
        if status is not PromotionStatus.LIVE
    },
    "stopping": replace(WAY, status=PromotionStatus.DEPLOYING, is_stopping=True),
    "failed with a log": replace(
        WAY, status=PromotionStatus.FAILED, log_tail=("one", "two"), waits_for=("Approve it.",)
    ),
    "hostile": replace(
        LIVE,
        run_name=HOSTILE,
        model=HOSTILE,
        endpoint=HOSTILE,
        requester=HOSTILE,
        headline=HOSTILE,
        note=HOSTILE,
        waits_for=(HOSTILE,),
        log_tail=(HOSTILE,) * 5,
        decided_by=HOSTILE,
        decision_reason=HOSTILE,
    ),
}
ASKED = replace(
    WAY,
    status=PromotionStatus.AWAITING_APPROVAL,
    approval=PendingApproval("k3y", "It costs EUR 90.00 until it expires.", AT, AT),
)
OPEN = PromotionPlanPost(
    ID, RUN, "first-try", "assistant", "assistant", "a1", "Alex Wilber", PLAN, AT, None
)
BLUE = DeploymentSeen("blue", ID, RUN, "assistant", "3", DeploymentState.READY, 100)
GREEN = DeploymentSeen("green", "p", RUN, HOSTILE, HOSTILE, DeploymentState.UNHEALTHY, 0, HOSTILE)
ENDPOINT = EndpointSeen("assistant", LIVE.url, (BLUE,), AT)
VERSION = ModelVersion("assistant", "3", RUN, "production", "ab" * 32, AT, 4.1)

PROMOTION_POSTS: dict[str, Post] = {
    "promotion plan": OPEN,
    "promotion plan that needs approval": replace(OPEN, approval_why="It costs EUR 90.00."),
    "promotion plan started": replace(OPEN, started_by="Alex Wilber"),
    # The model's name, the endpoint and the machine are checked before there is a plan.
    "promotion plan hostile": replace(
        OPEN, run_name=HOSTILE, requester=HOSTILE, approval_why=HOSTILE
    ),
    **{f"promotion {name}": PromotionPost(view) for name, view in VIEWS.items()},
    **{
        f"promotion alert {name}": PromotionAlertPost(view, "a1", view.requester)
        for name, view in VIEWS.items()
    },
    "promotion approval": PromotionApprovalPost(ASKED, ("an approver or an admin",)),
    **{
        f"promotion approval {name}": PromotionApprovalPost(VIEWS[name], ())
        for name in ("rejected", "expired", "live", "hostile")
    },
    "promotion expiry": PromotionExpiryPost(LIVE),
    "promotion expiry hostile": PromotionExpiryPost(VIEWS["hostile"]),
    "models": ModelsPost((VERSION, replace(VERSION, stage="")), (ENDPOINT,), 2),
    "no models": ModelsPost((), (), 0),
    "models hostile": ModelsPost(
        (replace(VERSION, model=HOSTILE, run_id=HOSTILE),) * 20,
        (EndpointSeen(HOSTILE, HOSTILE, (BLUE, GREEN), None, HOSTILE),) * 5,
        4000,
    ),
}
