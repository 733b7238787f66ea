"""The shapes of promotions and models in the REST interface."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bot.domain.promotion import EndpointSeen, ModelVersion, PromotionPlan
from bot.domain.promotion_view import PromotionView
from bot.web.schema import Right, Shape

Value = Annotated[str, Field(max_length=200)]


class PromotionOptions(Shape):
    """What may be chosen, as typed; what is left out gets the policy's or the run's own value."""

    model: Value | None = None
    endpoint: Value | None = None
    machine: Value | None = None
    hours: Value | None = None
    instances: Value | None = None


class PromotionPlanRequest(Shape):
    """Ask what serving a run's model would take. The same `nonce` gives the same id."""

    options: PromotionOptions = PromotionOptions()
    nonce: Annotated[str, Field(min_length=8, max_length=64)]


class PromotionPlanShape(Shape):
    """A plan that waits for Start; nothing is stored of it."""

    id: str
    run_id: str
    model: str
    endpoint: str
    plan: PromotionPlan
    cost: float  # until it ends
    until: datetime  # when it would end, were it live now
    machines: list[str]  # that may serve
    approval_why: str | None


class PromoteRequest(Shape):
    """Promote what was planned: its id, its hash, and the options that it was planned with."""

    id: Annotated[str, Field(pattern=r"^promo-\d{8}-[a-z2-7]{6}$")]
    order_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    options: PromotionOptions = PromotionOptions()


class PromotionRightsShape(Shape):
    """What the person may do with the promotion now."""

    cancel: Right
    approve: Right
    reject: Right
    undeploy: Right


class PromotionDetail(Shape):
    """One promotion, what it costs, how to call what it serves, and what the person may do."""

    promotion: PromotionView
    cost: float
    example: list[str]  # lines of a shell command; empty before it is live
    rights: PromotionRightsShape


class PromotionList(Shape):
    """Promotions, newest first."""

    promotions: list[PromotionDetail]


class ModelList(Shape):
    """Registered versions, newest first, and what is served where."""

    versions: list[ModelVersion]
    endpoints: list[EndpointSeen]
