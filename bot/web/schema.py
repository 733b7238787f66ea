"""The shapes of the REST interface; OpenAPI and the client's types are generated from them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.posts import FormField
from bot.domain.run import Difference, Plan
from bot.domain.view import RunView
from trainer.contract.spec import RunSpec


class Shape(BaseModel):
    """Base: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldProblem(Shape):
    """One field at fault; `loc` is its place (`optim.lr`), empty for the whole."""

    loc: str
    msg: str


class Problem(Shape):
    """RFC 9457 problem details; `code` is stable, `detail` is a sentence for the person."""

    type: str = "about:blank"
    code: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] = []


class PersonShape(Shape):
    """Somebody the system knows."""

    id: str
    tenant: str
    name: str
    role: str


class Me(Shape):
    """Who is looking at the page, what they may do, and whom a local profile lets them be."""

    person: PersonShape | None
    rights: list[str]
    profile: Literal["local", "azure"]
    people: list[PersonShape]  # local profile only: pick one to act as
    notice: str  # what a person must know of this profile's safety; empty for none
    currency: str


class SignIn(Shape):
    """Act as this person (local profile only)."""

    person_id: str


class RecipeShape(Shape):
    """A recipe, its whole spec, and the fields that a form shows first."""

    name: str
    title: str
    description: str
    spec: RunSpec
    fields: list[FormField]


class Recipes(Shape):
    """All recipes."""

    recipes: list[RecipeShape]


class DraftRequest(Shape):
    """Ask for a plan. `changes`: field id (alias or dotted path) -> value, as typed or as JSON.

    The same `nonce` returns the same draft.
    """

    recipe: str
    changes: dict[str, Any] = {}
    nonce: Annotated[str, Field(min_length=8, max_length=64)]


class DraftShape(Shape):
    """A plan that waits for Start; nothing has been spent."""

    id: str
    recipe: str
    name: str
    requester: PersonShape
    spec: RunSpec
    changes: dict[str, Any]
    plan: Plan
    approval_why: str | None
    created_at: datetime
    started: bool


class Right(Shape):
    """Whether the person may do it now, and if not, why and who could."""

    allowed: bool
    why: str = ""


class RunRights(Shape):
    """What the person looking may do with this run now."""

    cancel: Right
    approve: Right
    reject: Right
    rerun: Right
    promote: Right


class TrialOf(Shape):
    """Which trial of which sweep a run is."""

    sweep: str
    name: str
    number: int
    trials: int
    values: dict[str, Any]
    is_best: bool


class RunDetail(Shape):
    """One run with all that its page shows, curves and log apart."""

    run: RunView
    spec: RunSpec
    spec_sha256: str
    recipe_spec: RunSpec | None  # None: the recipe is no longer shipped
    differences: list[Difference]
    rights: RunRights
    threads: list[str]  # words for where it is told
    pipeline_url: str | None
    trial: TrialOf | None  # None: the run stands for itself
    version: int


class RunList(Shape):
    """Runs newest first; pass `next` as `cursor` for the following page."""

    runs: list[RunView]
    total: int
    next: str | None


class Reason(Shape):
    """Why, in the person's words."""

    reason: Annotated[str, Field(max_length=500)] = ""


class Rejection(Shape):
    """Why not; the requester reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class RerunRequest(Shape):
    """Ask for the same again; the answer is a draft."""

    nonce: Annotated[str, Field(min_length=8, max_length=64)]


class EventShape(Shape):
    """One line of a run's audit trail; `actor` is None where the system acted."""

    seq: int
    at: datetime
    actor: str | None
    kind: str
    text: str
    source: str


class Activity(Shape):
    """A run's audit trail, oldest first."""

    events: list[EventShape]


class SeriesShape(Shape):
    """One curve on the shared grid; None where a bucket has no point."""

    key: str
    unit: str
    points: int
    low: list[float | None]
    high: list[float | None]
    last: list[float | None]
    smooth: list[float | None]


class MarkShape(Shape):
    """Something to draw across the curves."""

    step: int
    kind: str
    text: str


class MetricsShape(Shape):
    """Curves in buckets with every extreme kept; `points` is how many there are in truth."""

    steps: list[float]
    series: list[SeriesShape]
    marks: list[MarkShape]
    points: int
    first_step: int
    last_step: int


class LogShape(Shape):
    """Log lines from `first` (counted from 1) of `total` so far."""

    lines: list[str]
    first: int
    total: int


class LogHitsShape(Shape):
    """Numbers of the lines that hold the text."""

    numbers: list[int]
    total: int


class ResultFileShape(Shape):
    """A file that the run's job wrote: its path within the results, and its size."""

    path: str
    bytes: int


class ResultsShape(Shape):
    """The run's files, sorted by path; none before its job has written one."""

    files: list[ResultFileShape]


class Nothing(Shape):
    """No settings: send `{}`."""


class Hint(Shape):
    """What changed; look at it again. Hints carry no state, so losing one loses nothing."""

    topic: str


class Health(Shape):
    """Whether the service can do its work; `problems` says what is missing."""

    status: Literal["ok", "unavailable"]
    problems: list[str] = []
