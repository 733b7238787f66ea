"""One post of every kind in every state, ordinary, huge and hostile; a table for the tests."""

from dataclasses import replace

from bot.cards.card import Links
from bot.domain.posts import (
    AlertPost,
    ApprovalPost,
    CommandHelp,
    FormField,
    FormPost,
    HelpPost,
    LogsPost,
    MetricRow,
    MetricsPost,
    PlanPost,
    Post,
    RunPost,
    RunsPost,
    TextPost,
    WhoamiPost,
)
from tests.bot.cards.sample_promotions import PROMOTION_POSTS
from tests.bot.cards.sample_runs import ASKED, DIAGNOSIS, HOSTILE, LORA_PLAN, PLAN, RUNS, TRAINING

LINKS = Links("http://127.0.0.1:3978/")

FORM = FormPost(
    nonce="n-1",
    recipe="tiny-sft",
    recipe_title="Small chat model",
    recipe_description="Teaches a small model to answer, in about 40 s on two cores.",
    fields=(
        FormField("name", "Name", "my-run", help="Letters, digits, dots.", required=True),
        FormField("data", "Data", "builtin:docstrings"),
        FormField(
            "recipe", "Recipe", "tiny-sft", "choice",
            choices=(("tiny-sft", "Small chat model"), ("tiny-lm", "Small language model")),
        ),
        FormField("steps", "Steps", "200", "number"),
        FormField("lr", "Learning rate", "0.0003", "number"),
    ),
)  # fmt: skip
FAULTY_FORM = replace(
    FORM,
    fault="There is no room for another run today.",
    fields=(
        *FORM.fields[:3],
        replace(FORM.fields[3], value="-5", fault="must be greater than 0 (got -5)"),
        replace(FORM.fields[4], value="fast", fault="must be a number (got 'fast')"),
        FormField("sku", "Machine", "h100", "choice", choices=(("local-cpu", "local-cpu"),)),
    ),
)
OPEN_PLAN = PlanPost(
    draft_id="run-20261123-a2b3c4",
    name="tiny-sft",
    recipe="tiny-sft",
    recipe_title="Small chat model",
    method="sft",
    data="builtin:docstrings",
    machine="local-cpu",
    requester="Alex Wilber",
    plan=PLAN,
    approval_why=None,
)
COMMANDS = (
    CommandHelp("train <recipe> [key=value ...]", "Plans a run.", "train tiny-sft steps=50"),
    CommandHelp("status [run]", "Says how a run is doing.", "status"),
    CommandHelp("runs", "Lists the newest runs.", "runs"),
)

POSTS: dict[str, Post] = {
    "text": TextPost("There is no command `trian`; did you mean `train`?", suggestions=("train",)),
    "text good": TextPost("Cancelled `tiny-sft`.", "good"),
    "text warning": TextPost("It is over already.\nNothing was changed.", "warning"),
    "text attention": TextPost("You may not cancel this run.", "attention"),
    "text empty": TextPost(""),
    "text hostile": TextPost(HOSTILE, "attention", suggestions=(HOSTILE,) * 9),
    "help": HelpPost(COMMANDS, "Hello! I train language models."),
    "help for one": HelpPost(COMMANDS[:1]),
    "whoami": WhoamiPost(
        "Alex Wilber",
        "a1",
        "t1",
        "researcher",
        ("start runs up to EUR 1.00 alone",),
        "Local profile: anybody can pick this person.",
    ),
    "form": FORM,
    "form with faults": FAULTY_FORM,
    "plan": OPEN_PLAN,
    "plan that needs approval": replace(OPEN_PLAN, plan=LORA_PLAN, approval_why=ASKED.why),
    "plan started": replace(OPEN_PLAN, state="started", started_by="Alex Wilber"),
    "plan replaced": replace(OPEN_PLAN, state="replaced"),
    "plan hostile": replace(
        OPEN_PLAN, plan=RUNS["hostile"].plan, name=HOSTILE, data=HOSTILE, approval_why=HOSTILE
    ),
    "runs": RunsPost("Runs", tuple(list(RUNS.values())[:8]), 12, "Say `runs mine` for yours."),
    "no runs": RunsPost("Your runs", (), 0),
    "many runs": RunsPost("Runs", tuple(RUNS.values()) * 3, 4_000),
    "logs": LogsPost(TRAINING.id, "tiny-sft", DIAGNOSIS.log_tail, 109, 120),
    "no logs": LogsPost(TRAINING.id, "tiny-sft", (), 1, 0),
    "logs hostile": LogsPost(TRAINING.id, HOSTILE, (HOSTILE,) * 20 + ("x" * 90_000,) * 50, 1, 70),
    "metrics": MetricsPost(
        TRAINING,
        (MetricRow("loss", 2.31, 40, 2.31, 40), MetricRow("grad_norm", 1.2, 40, 0.8, 20)),
    ),
    "metrics hostile": MetricsPost(
        RUNS["hostile"], (MetricRow(HOSTILE, float("nan"), 40, float("inf"), 1),) * 30
    ),
    **{f"run {name}": RunPost(run) for name, run in RUNS.items()},
    **{
        f"alert {name}": AlertPost(run, "a1", run.requester)
        for name, run in RUNS.items()
        if run.status.is_final or name in ("hostile", "huge")
    },
    **{
        f"approval {name}": ApprovalPost(RUNS[name], ("approvers", "admins"))
        for name in ("awaiting approval", "approved", "rejected", "expired", "cost limit")
    },
    "approval hostile": ApprovalPost(RUNS["hostile"], (HOSTILE,)),
    **PROMOTION_POSTS,
    "approval huge": ApprovalPost(RUNS["huge"], ()),
}
