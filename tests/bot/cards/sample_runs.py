"""A run in every state, ordinary, huge and hostile; a table for the tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.run import Difference, Plan, Point, ResultSeen, RunStatus, SampleSeen
from bot.domain.view import (
    Diagnosis,
    PendingApproval,
    RailStage,
    RailState,
    RunView,
    Verdict,
)

BEGAN = datetime(2026, 11, 23, 2, 40, tzinfo=UTC)
NAMES = ("queued", "approved", "prepare", "training", "evaluation")

# Everything that a person or a log could try, in one string.
HOSTILE = (
    "[APPROVED](https://evil.example) **bold** _it_ <at>Admin</at> {{DATE(2020-01-01T00:00:00Z)}} "
    "\x1b[31mred\x1b[0m \u202egnp.exe\u202c\n# heading\n- item\r\n`code` \x00 \ud800 &lt;b&gt;"
)

PLAN = Plan(
    parameters=1_213_440,
    trained_parameters=1_213_440,
    steps=200,
    tokens=819_200,
    memory_bytes=1_140_000_000,
    seconds_low=30.0,
    seconds=40.0,
    seconds_high=62.0,
    cost_low=0.005,
    cost=0.0067,
    cost_high=0.0103,
    price_per_hour=0.6,
    currency="EUR",
    basis="Speed from 3 earlier runs of this shape on local-cpu.",
)
LORA_PLAN = replace(
    PLAN,
    parameters=134_515_008,
    trained_parameters=4_884_480,
    seconds_low=4_000.0,
    seconds=5_400.0,
    seconds_high=9_000.0,
    cost_low=3.2,
    cost=4.32,
    cost_high=7.2,
    warnings=("12 rows are longer than 512 tokens and are dropped.",),
    differences=(
        Difference("optim.lr", 3e-4, 2e-4),
        Difference("data.eval.uri", None, "data/held_out.jsonl"),
        Difference("budget.steps", 200, 400),
    ),
)
CURVE = tuple(Point(1 + 5 * i, 2.2 + 1.9 * 0.82**i) for i in range(40))
RESULT = ResultSeen(
    steps=200,
    tokens=819_200,
    train_s=38.4,
    loss=2.21,
    eval_loss=2.31,
    eval_perplexity=10.07,
    first_eval_loss=4.6,
    peak_memory_bytes=1_020_000_000,
    model="model",
)
SAMPLE = SampleSeen(200, "Q: What does str.split do?\nA:", "It returns a list of the\nwords.")


def rail(now: int, state: RailState = RailState.NOW) -> tuple[RailStage, ...]:
    """Return the rail with stage `now` in `state`, those before done, those after to come."""
    return tuple(
        RailStage(
            name,
            RailState.DONE if i < now else state if i == now else RailState.AHEAD,
            3.4 * i if i <= now else None,
        )
        for i, name in enumerate(NAMES)
    )


TRAINING = RunView(
    id="run-20261123-a2b3c4",
    name="tiny-sft",
    recipe="tiny-sft",
    requester_id="a1",
    requester="Alex Wilber",
    status=RunStatus.TRAINING,
    headline="Training, step 40 of 200.",
    created_at=BEGAN,
    ended_at=None,
    rail=rail(3),
    plan=PLAN,
    step=40,
    total=200,
    loss=2.31,
    first_loss=4.1,
    eval_loss=2.6,
    tokens=163_840,
    tokens_per_s=21_300.0,
    eta_s=80.4,
    curve=CURVE[:8],
    cost=0.021,
    cost_limit=0.1,
    attempt=1,
    queue_position=None,
)
_EARLY = replace(
    TRAINING,
    step=0,
    loss=None,
    first_loss=None,
    eval_loss=None,
    tokens=0,
    tokens_per_s=None,
    eta_s=None,
    curve=(),
    cost=0.0,
)
_ENDED = replace(
    TRAINING, ended_at=BEGAN + timedelta(seconds=74), step=200, tokens_per_s=None, eta_s=None
)
ASKED = PendingApproval(
    key="k3y", why="It may cost EUR 7.20 and you may start up to EUR 1.00 alone.",
    asked_at=BEGAN, expires_at=BEGAN + timedelta(hours=24),
)  # fmt: skip
DIAGNOSIS = Diagnosis(
    cause="The loss became not a number (at step 37).",
    remedy="Try a smaller learning rate, `lr=1e-4`, then `rerun` it.",
    log_tail=tuple(f"2026-11-23 02:41:{i:02} step={i} loss={4.1 - i / 10:.3f}" for i in range(12)),
)
GOAL_TEXT = "evaluation loss 2.31, goal below"

_SUCCEEDED = replace(_ENDED, status=RunStatus.SUCCEEDED, rail=rail(5), curve=CURVE, result=RESULT)
RUNS: dict[str, RunView] = {
    "awaiting approval": replace(
        _EARLY,
        status=RunStatus.AWAITING_APPROVAL,
        headline="Waits for another person to agree.",
        plan=LORA_PLAN,
        rail=rail(1),
        approval=ASKED,
    ),
    "queued": replace(
        _EARLY, status=RunStatus.QUEUED, headline="Waits for the pipeline.", rail=rail(2)
    ),
    "preparing": replace(
        _EARLY,
        status=RunStatus.PREPARING,
        headline="The pipeline prepares it (validate).",
        rail=rail(2),
    ),
    "waiting": replace(
        _EARLY,
        status=RunStatus.WAITING,
        headline="Waits for a machine, number 2 in the queue.",
        queue_position=2,
        rail=rail(3),
    ),
    "starting": replace(
        _EARLY, headline="The machine is starting and reads the data.", rail=rail(3)
    ),
    "training": TRAINING,
    "second attempt": replace(TRAINING, attempt=2, samples=(SAMPLE,)),
    "one point": replace(TRAINING, curve=CURVE[:1], step=1, first_loss=2.31),
    "broken loss": replace(
        TRAINING, loss=float("nan"), curve=(*CURVE[:3], Point(16, float("nan")))
    ),
    "infinite": replace(TRAINING, tokens_per_s=float("inf"), eta_s=float("nan")),
    "stopping": replace(
        TRAINING,
        is_stopping=True,
        cancelled_by="Alex Wilber",
        headline="Being stopped for Alex Wilber.",
    ),
    "undelivered": replace(
        TRAINING, undelivered=("The approval question may not have reached the channel.",)
    ),
    "evaluating": replace(
        TRAINING,
        status=RunStatus.EVALUATING,
        headline="Training is done; the model is being evaluated and saved.",
        step=200,
        eta_s=None,
        curve=CURVE,
        rail=rail(4),
        samples=(SAMPLE,),
    ),
    "goal reached": replace(
        _SUCCEEDED,
        headline=f"Goal reached: {GOAL_TEXT} 2.5 (loss from 4.60 to 2.31).",
        verdict=Verdict(f"Goal reached: {GOAL_TEXT} 2.5 (loss from 4.60 to 2.31).", reached=True),
        samples=(SAMPLE,),
    ),
    "goal missed": replace(
        _SUCCEEDED,
        headline=f"Goal missed: {GOAL_TEXT} 2 (loss from 4.60 to 2.31).",
        verdict=Verdict(f"Goal missed: {GOAL_TEXT} 2 (loss from 4.60 to 2.31).", reached=False),
    ),
    "no goal": replace(
        _SUCCEEDED,
        headline="Evaluation loss went from 4.60 to 2.31; there was no goal.",
        verdict=Verdict("Evaluation loss went from 4.60 to 2.31; there was no goal.", None),
    ),
    "failed": replace(
        _ENDED,
        status=RunStatus.FAILED,
        headline=DIAGNOSIS.cause,
        step=37,
        rail=rail(3, RailState.FAILED),
        diagnosis=DIAGNOSIS,
    ),
    "cost limit": replace(
        _ENDED,
        status=RunStatus.CANCELLED,
        headline="Stopped by the system: the cost limit of EUR 0.10 is reached.",
        step=120,
        cost=0.1004,
        cancelled_by="the system",
        rail=rail(3, RailState.FAILED),
    ),
    "rejected": replace(
        _EARLY,
        status=RunStatus.REJECTED,
        headline="Megan Bowen rejected it: use fewer steps",
        decided_by="Megan Bowen",
        decision_reason="use fewer steps",
        rail=rail(1, RailState.FAILED),
        ended_at=BEGAN + timedelta(hours=3),
    ),
    "expired": replace(
        _EARLY,
        status=RunStatus.EXPIRED,
        headline="Nobody agreed in time; ask for it again.",
        rail=rail(1, RailState.FAILED),
        ended_at=BEGAN + timedelta(hours=24),
    ),
    "approved": replace(
        _EARLY,
        status=RunStatus.QUEUED,
        headline="Waits for the pipeline.",
        decided_by="Megan Bowen",
        rail=rail(2),
    ),
}


def _nasty(text: str) -> RunView:
    return replace(
        TRAINING,
        name=text,
        recipe=text,
        requester=text,
        headline=text,
        decided_by=text,
        decision_reason=text,
        approval=replace(ASKED, why=text),
        diagnosis=Diagnosis(text, text, (text,) * 40),
        samples=(SampleSeen(1, text, text),) * 6,
        undelivered=(text,) * 3,
        rail=(RailStage(text, RailState.NOW),),
        curve=CURVE,
        plan=replace(
            LORA_PLAN,
            basis=text,
            warnings=(text,) * 5,
            differences=(Difference(text, text, [text]),) * 40,
        ),
    )


RUNS["hostile"] = _nasty(HOSTILE)
RUNS["huge"] = _nasty("wide 宽 " * 2_000)
