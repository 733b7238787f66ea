"""What may stand behind the `?` of an address; also in OpenAPI, one parameter a field."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.domain.run import RunStatus
from bot.web.schema import Shape

# The largest whole number that JavaScript and SQLite both hold.
MAX_INTEGER = 2**53 - 1
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\u0000]+$")]
TOPIC_PATTERN = r"^(runs|promotions|sweeps|run:[a-z0-9][a-z0-9._-]{0,63})$"


class RunsFilter(Shape):
    """Query parameters of the run list."""

    status: list[RunStatus] = Field(default=[], max_length=20)
    person: Words | None = None
    recipe: Words | None = None
    q: Annotated[Words | None, Field(description="Looked for in id, name and recipe.")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[Words | None, Field(description="`next` of the page before.")] = None


class MetricsFilter(Shape):
    """Query parameters of the curves; `smooth` is the weight of the past."""

    keys: list[Words] = Field(default=[], max_length=64, description="Empty: all curves.")
    first_step: Count | None = None
    last_step: Count | None = None
    buckets: Annotated[int, Field(ge=1, le=4000)] = 1000
    smooth: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        first, last = self.first_step, self.last_step
        if first is not None and last is not None and first > last:
            raise ValueError(f"first_step {first} lies after last_step {last}")
        return self


class LogRange(Shape):
    """Query parameters of the log; a negative `first` counts from the end."""

    first: Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)] = 1
    count: Annotated[int, Field(ge=1, le=5000)] = 500


class LogSearch(Shape):
    """Query parameters of a search in the log, which ignores case."""

    q: Words
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class ActivityRange(Shape):
    """Query parameters of the audit trail: only events after this sequence number."""

    after: Count = 0


class Topics(Shape):
    """Query parameters of the event stream: `runs`, `sweeps`, `run:<id>` for each run."""

    topics: Annotated[
        list[Annotated[str, Field(pattern=TOPIC_PATTERN)]], Field(min_length=1, max_length=64)
    ]


class PromotionsFilter(Shape):
    """Query parameters of the list of promotions."""

    run: Annotated[Words | None, Field(description="Only those of this run.")] = None
