"""Promotions and models: plan, start, decide, cancel, undeploy, list."""

from dataclasses import replace
from typing import Any

from bot.cards.promotion_words import example_call
from bot.domain.policy import Right as RightNow
from bot.domain.promotion import Promotion
from bot.domain.promotion_view import promotion_view
from bot.domain.run import Source
from bot.service.promotions import Proposal
from bot.web.endpoint import Call, Endpoint
from bot.web.promotion_schema import (
    ModelList,
    PromoteRequest,
    PromotionDetail,
    PromotionList,
    PromotionOptions,
    PromotionPlanRequest,
    PromotionPlanShape,
    PromotionRightsShape,
)
from bot.web.queries import PromotionsFilter
from bot.web.schema import Nothing, Reason, Rejection, Right

API = "/api/v1"
ONE = f"{API}/promotions/{{promotion_id}}"


async def list_models(call: Call[Nothing, Nothing]) -> ModelList:
    """Return the registered versions and the endpoints."""
    versions, endpoints = await call.service.promotions.models()
    return ModelList(versions=list(versions), endpoints=list(endpoints))


async def list_promotions(call: Call[PromotionsFilter, Nothing]) -> PromotionList:
    """Return promotions, of one run or of all."""
    found = await call.service.promotions.listed(call.query.run)
    return PromotionList(promotions=[_detail(call, each) for each in found])


async def get_promotion(call: Call[Nothing, Nothing]) -> PromotionDetail:
    """Return one promotion."""
    return _detail(call, await call.service.promotions.get(call.id))


async def plan_promotion(call: Call[Nothing, PromotionPlanRequest]) -> PromotionPlanShape:
    """Say what serving a run's model would take; nothing is spent or stored."""
    promotions = call.service.promotions
    run = await call.service.get(call.id)
    planned = await promotions.plan(
        call.somebody, run, _options(call.body.options), nonce=call.body.nonce, thread=None
    )
    return PromotionPlanShape(
        id=planned.id,
        run_id=run.id,
        model=planned.model,
        endpoint=planned.endpoint,
        plan=planned.plan,
        cost=planned.plan.cost,
        until=promotions.until(planned),
        machines=list(promotions.machines),
        approval_why=planned.approval_why,
    )


async def promote_run(call: Call[Nothing, PromoteRequest]) -> PromotionDetail:
    """Serve a run's model as it was planned, once."""
    run, asked = await call.service.get(call.id), call.body
    options = _options(asked.options)
    proposal = Proposal(asked.id, asked.order_sha256, call.somebody.id, options)
    thread = run.threads[0] if run.threads else None  # where the run was asked for, it is told
    promotion, _ = await call.service.promotions.start(
        call.somebody, run, proposal, Source.WEB, thread
    )
    return _detail(call, promotion)


async def cancel_promotion(call: Call[Nothing, Reason]) -> PromotionDetail:
    """Wish that a promotion stops on its way."""
    promotions = call.service.promotions
    reason = call.body.reason
    return _detail(call, await promotions.cancel(call.somebody, call.id, reason, Source.WEB))


async def undeploy_promotion(call: Call[Nothing, Reason]) -> PromotionDetail:
    """Wish that what it serves ends."""
    promotions = call.service.promotions
    reason = call.body.reason
    return _detail(call, await promotions.undeploy(call.somebody, call.id, reason, Source.WEB))


async def approve_promotion(call: Call[Nothing, Nothing]) -> PromotionDetail:
    """Agree to somebody else's promotion."""
    promotions = call.service.promotions
    return _detail(call, await promotions.approve(call.somebody, call.id, Source.WEB))


async def reject_promotion(call: Call[Nothing, Rejection]) -> PromotionDetail:
    """Refuse somebody else's promotion, with a reason."""
    promotions = call.service.promotions
    reason = call.body.reason
    return _detail(call, await promotions.reject(call.somebody, call.id, reason, Source.WEB))


def _options(options: PromotionOptions) -> dict[str, str]:
    return {key: value for key, value in options.model_dump().items() if value}


def _detail(call: Call[Any, Any], promotion: Promotion) -> PromotionDetail:
    view = promotion_view(promotion)
    if view.approval is not None:  # its key belongs to the card alone
        view = replace(view, approval=replace(view.approval, key=""))
    return PromotionDetail(
        promotion=view,
        cost=promotion.plan.cost,
        example=list(example_call(view)),
        rights=_rights(call, promotion),
    )


def _rights(call: Call[Any, Any], promotion: Promotion) -> PromotionRightsShape:
    if call.person is None:
        nobody = Right(allowed=False, why=call.world.who_are_you)
        return PromotionRightsShape(cancel=nobody, approve=nobody, reject=nobody, undeploy=nobody)
    rights = call.service.promotions.rights(call.person, promotion)
    return PromotionRightsShape(
        cancel=_right(rights.cancel),
        approve=_right(rights.approve),
        reject=_right(rights.reject),
        undeploy=_right(rights.undeploy),
    )


def _right(right: RightNow) -> Right:
    return Right(allowed=right.allowed, why=right.why)


PROMOTIONS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        f"{API}/models",
        "listModels",
        "Registered models, and what is served where",
        list_models,
        answer=ModelList,
    ),
    Endpoint(
        "GET",
        f"{API}/promotions",
        "listPromotions",
        "Promotions, newest first",
        list_promotions,
        query=PromotionsFilter,
        answer=PromotionList,
    ),
    Endpoint(
        "GET",
        ONE,
        "getPromotion",
        "One promotion with what may be done with it",
        get_promotion,
        answer=PromotionDetail,
    ),
    Endpoint(
        "POST",
        f"{API}/runs/{{run_id}}/promotion-plan",
        "planPromotion",
        "Say what serving a run's model would take; nothing is spent",
        plan_promotion,
        body=PromotionPlanRequest,
        answer=PromotionPlanShape,
    ),
    Endpoint(
        "POST",
        f"{API}/runs/{{run_id}}/promote",
        "promoteRun",
        "Serve a run's model as it was planned, once",
        promote_run,
        body=PromoteRequest,
        answer=PromotionDetail,
        refusals=(403, 409),
    ),
    Endpoint(
        "POST",
        f"{ONE}/cancel",
        "cancelPromotion",
        "Stop a promotion on its way",
        cancel_promotion,
        body=Reason,
        answer=PromotionDetail,
        refusals=(403,),
    ),
    Endpoint(
        "POST",
        f"{ONE}/undeploy",
        "undeployPromotion",
        "End what a promotion serves",
        undeploy_promotion,
        body=Reason,
        answer=PromotionDetail,
        refusals=(403,),
    ),
    Endpoint(
        "POST",
        f"{ONE}/approve",
        "approvePromotion",
        "Agree to somebody else's promotion",
        approve_promotion,
        answer=PromotionDetail,
        refusals=(403,),
    ),
    Endpoint(
        "POST",
        f"{ONE}/reject",
        "rejectPromotion",
        "Refuse somebody else's promotion",
        reject_promotion,
        body=Rejection,
        answer=PromotionDetail,
        refusals=(403,),
    ),
)
