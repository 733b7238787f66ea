"""What every part of a spec has in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of every part of a spec: frozen, refuses unknown keys, finite numbers only."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
