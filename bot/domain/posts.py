"""Everything the bot can say, as plain values; `bot.cards` draws them.

A post is stored in the outbox as JSON (`POST` below) until its thread has it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from bot.domain.promotion_posts import PromotionPosts
from bot.domain.run import Plan
from bot.domain.seen import ClusterSeen
from bot.domain.view import RunView


@dataclass(frozen=True)
class TextPost:
    """A sentence or two; `tone` colours it.

    `suggestions` are commands that would work; `sign_in_url` is where to sign in first;
    `sweep_id` is the sweep whose page it leads to.
    """

    text: str
    tone: Literal["plain", "good", "warning", "attention"] = "plain"
    suggestions: tuple[str, ...] = ()
    sign_in_url: str = ""
    sweep_id: str = ""
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class CommandHelp:
    """One command: how to write it, what it does, an example to type."""

    usage: str
    summary: str
    example: str


@dataclass(frozen=True)
class HelpPost:
    """The commands, or one of them in full."""

    commands: tuple[CommandHelp, ...]
    greeting: str = ""
    kind: Literal["help"] = "help"


@dataclass(frozen=True)
class WhoamiPost:
    """Who the bot thinks is asking, and what they may do."""

    name: str
    person_id: str
    tenant: str
    role: str
    rights: tuple[str, ...]
    notice: str = ""
    kind: Literal["whoami"] = "whoami"


@dataclass(frozen=True)
class FormField:
    """One input of the form: `id` is the key sent back (an alias or a dotted path of the spec)."""

    id: str
    label: str
    value: str
    input: Literal["text", "number", "choice"] = "text"
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()  # (value, label)
    fault: str | None = None
    required: bool = False


@dataclass(frozen=True)
class FormPost:
    """The form to ask for a run; after a fault it comes again with what was typed."""

    nonce: str
    recipe: str
    recipe_title: str
    recipe_description: str
    fields: tuple[FormField, ...]
    fault: str | None = None  # one that belongs to no field
    kind: Literal["form"] = "form"


@dataclass(frozen=True)
class PlanPost:
    """What a run would take, before anything is spent."""

    draft_id: str
    name: str
    recipe: str
    recipe_title: str
    method: str
    data: str
    machine: str
    requester: str
    plan: Plan
    approval_why: str | None  # set: somebody else must agree, and why
    state: Literal["open", "started", "replaced"] = "open"
    started_by: str | None = None
    kind: Literal["plan"] = "plan"


@dataclass(frozen=True)
class RunPost:
    """The progress card of one run, edited in place; also the answer to `status`."""

    run: RunView
    kind: Literal["run"] = "run"


@dataclass(frozen=True)
class AlertPost:
    """The one message at a run's end; mentions the requester."""

    run: RunView
    mention_id: str
    mention_name: str
    kind: Literal["alert"] = "alert"


@dataclass(frozen=True)
class ApprovalPost:
    """The question to the approvers; its final form shows who decided what."""

    run: RunView
    may_decide: tuple[str, ...]  # words for the people who can: "approvers and admins"
    kind: Literal["approval"] = "approval"


@dataclass(frozen=True)
class RunsPost:
    """A list of runs, newest first."""

    title: str
    runs: tuple[RunView, ...]
    total: int
    hint: str = ""
    kind: Literal["runs"] = "runs"


@dataclass(frozen=True)
class LogsPost:
    """The last lines of a run's log, redacted; `first` is the number of the first line shown."""

    run_id: str
    run_name: str
    lines: tuple[str, ...]
    first: int
    total: int
    kind: Literal["logs"] = "logs"


@dataclass(frozen=True)
class MetricRow:
    """One metric: its last value, its best, and the step of each."""

    name: str
    last: float
    last_step: int
    best: float
    best_step: int


@dataclass(frozen=True)
class MetricsPost:
    """The numbers of a run, with its loss as a small chart."""

    run: RunView
    rows: tuple[MetricRow, ...]
    kind: Literal["metrics"] = "metrics"


@dataclass(frozen=True)
class ScheduleRow:
    """One schedule as it is listed; `next_at` is None while it is paused."""

    name: str
    owner: str
    recipe: str
    when: str
    next_at: datetime | None
    is_paused: bool
    origin: str
    note: str = ""


@dataclass(frozen=True)
class SchedulesPost:
    """The schedules, by name."""

    rows: tuple[ScheduleRow, ...]
    kind: Literal["schedules"] = "schedules"


@dataclass(frozen=True)
class QueuePost:
    """The machines, and the runs that have none yet, oldest first."""

    clusters: tuple[ClusterSeen, ...]
    waiting: tuple[RunView, ...]
    kind: Literal["queue"] = "queue"


Post = Annotated[
    TextPost
    | HelpPost
    | WhoamiPost
    | FormPost
    | PlanPost
    | RunPost
    | AlertPost
    | ApprovalPost
    | RunsPost
    | LogsPost
    | SchedulesPost
    | QueuePost
    | MetricsPost
    | PromotionPosts,
    Field(discriminator="kind"),
]
POST: TypeAdapter[Post] = TypeAdapter(Post)


def post_json(post: Post) -> dict[str, Any]:
    """Return the post as JSON values; `POST.validate_python` reads them back."""
    body: dict[str, Any] = POST.dump_python(post, mode="json")
    return body
