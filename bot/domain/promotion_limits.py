"""The policy file's section `promote`: what serving models may cost, and for how long."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.people import Role
from trainer.contract.promotion import MOST_HOURS

Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=MOST_HOURS, allow_inf_nan=False)]


class PromotionLimits(BaseModel):
    """`bot/defaults/policy.yaml` explains each key. Without the section nothing can be served.

    `never_above` defaults to the limit of runs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prices: Mapping[str, Money] = {}
    alone_below: Mapping[Role, Money] = {}
    never_above: Money | None = None
    hours: Hours = 24.0
    most_hours: Hours = 24.0 * 14
