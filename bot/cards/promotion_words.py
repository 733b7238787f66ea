"""How promotions look and read: glyphs, facts, the example call; for cards and console."""

import json

from bot.cards.elements import short
from bot.cards.facts import Facts
from bot.cards.numbers import duration, loss, moment, money
from bot.cards.status import Look
from bot.domain.promotion import (
    DeploymentSeen,
    DeploymentState,
    EndpointSeen,
    ModelVersion,
    PromotionPlan,
    PromotionStatus,
)
from bot.domain.promotion_posts import PromotionPlanPost
from bot.domain.promotion_view import PromotionView

LOOKS: dict[PromotionStatus, Look] = {
    PromotionStatus.AWAITING_APPROVAL: Look("Awaiting approval", "?", "Default"),
    PromotionStatus.QUEUED: Look("Queued", "…", "Default"),
    PromotionStatus.REGISTERING: Look("Registering", "…", "Accent"),
    PromotionStatus.DEPLOYING: Look("Deploying", "▶", "Accent"),
    PromotionStatus.TESTING: Look("Testing", "▶", "Accent"),
    PromotionStatus.LIVE: Look("Live", "✓", "Good"),
    PromotionStatus.UNDEPLOYING: Look("Undeploying", "…", "Default"),
    PromotionStatus.FAILED: Look("Failed", "✗", "Attention"),
    PromotionStatus.ROLLED_BACK: Look("Rolled back", "✗", "Attention"),
    PromotionStatus.CANCELLED: Look("Cancelled", "■", "Default"),
    PromotionStatus.REJECTED: Look("Rejected", "✗", "Attention"),
    PromotionStatus.EXPIRED: Look("Expired", "■", "Default"),
    PromotionStatus.RETIRED: Look("Undeployed", "■", "Default"),
}
_STOPPING = Look("Stopping", "■", "Default")
_BAD = frozenset({DeploymentState.UNHEALTHY, DeploymentState.FAILED})


def look_of_promotion(view: PromotionView) -> Look:
    """Return the look of a promotion; one that was asked to stop says so until it has."""
    return _STOPPING if view.is_stopping else LOOKS[view.status]


def title_of(view: PromotionView) -> str:
    """Return what is promoted and where to."""
    version = f" version {view.version}" if view.version else ""
    return f"{view.model}{version} → {view.endpoint}"


def subtitle_of(view: PromotionView) -> str:
    """Return of which run, for whom, and the id that commands take."""
    return f"model of {view.run_name}, asked by {view.requester}, `{view.id}`"


def plan_facts(post: PromotionPlanPost) -> Facts:
    """Return what serving will cost and until when."""
    return (
        *_cost(post.plan),
        ("Ends", f"{moment(post.until)}, were it live now; then it is undeployed by itself"),
        ("Machine", _machines(post.plan)),
        ("Quota", _quota(post.plan)),
        *(
            (("Replaces", f"`{post.plan.replaces}`, once it is tested"),)
            if post.plan.replaces
            else ()
        ),
        ("Model", f"{post.model}, of `{post.run_id}` ({post.run_name})"),
        ("Asked by", post.requester),
    )


def promotion_facts(view: PromotionView) -> Facts:
    """Return what is known of the promotion now, only rows that say something."""
    is_up = view.url != ""
    rows = (
        ("Address", view.url),
        ("Ends", moment(view.expires_at) if is_up and view.expires_at else ""),
        *_cost(view.plan),
        ("Machine", _machines(view.plan)),
        ("Model", f"{view.model}, of `{view.run_id}` ({view.run_name})"),
        ("Served for", _served(view)),
    )
    return tuple(row for row in rows if row[1])


def approval_facts(view: PromotionView) -> Facts:
    """Return what an approver must know."""
    return (
        *_cost(view.plan),
        ("Machine", _machines(view.plan)),
        ("Quota", _quota(view.plan)),
        ("Model", f"{view.model}, of `{view.run_id}` ({view.run_name})"),
        ("Endpoint", view.endpoint),
        ("Asked by", view.requester),
    )


def example_call(view: PromotionView) -> tuple[str, ...]:
    """Return a call to try in a shell, in lines; empty before it is live."""
    if not view.url:
        return ()
    turns = [{"role": "user", "content": "Hello"}]
    body = json.dumps({"model": view.model, "messages": turns})
    lines = [f"curl {view.url}/chat/completions \\"]
    if view.url.startswith("https://"):
        lines.append('  -H "Authorization: Bearer $TOKEN" \\')
    return (*lines, "  -H 'Content-Type: application/json' \\", f"  -d '{body}'")


def token_words(view: PromotionView) -> str:
    """Return where the token of the call comes from; empty where none is needed."""
    if not view.url.startswith("https://"):
        return ""
    return "TOKEN is yours: `az account get-access-token --resource https://ml.azure.com`."


def summary_of(view: PromotionView) -> str:
    """Return one line for a toast."""
    return short(f"{view.endpoint}: {look_of_promotion(view).word.lower()}. {view.headline}")


def version_words(version: ModelVersion) -> str:
    """Return what a list says of a version beside its name."""
    parts = (
        version.stage,
        f"evaluation loss {loss(version.eval_loss)}" if version.eval_loss is not None else "",
        f"of `{version.run_id}`",
        moment(version.created_at),
    )
    return ", ".join(part for part in parts if part)


def endpoint_words(endpoint: EndpointSeen) -> str:
    """Return what an endpoint serves, how it is and until when."""
    live = endpoint.live
    what = deployment_words(live) if live else "nothing has the traffic"
    until = f", until {moment(endpoint.expires_at)}" if endpoint.expires_at else ""
    coming = [each for each in endpoint.deployments if each.traffic == 0]
    beside = f"; beside it {', '.join(map(deployment_words, coming))}" if coming else ""
    return f"{what}{until}{beside}"


def deployment_words(deployment: DeploymentSeen) -> str:
    """Return which version a deployment serves, and its trouble if it has one."""
    trouble = f", {deployment.state}" if deployment.state in _BAD else ""
    return f"{deployment.model} version {deployment.version} ({deployment.colour}{trouble})"


def _cost(plan: PromotionPlan) -> Facts:
    hourly, whole = money(plan.price_per_hour, plan.currency), money(plan.cost, plan.currency)
    return (("Cost", f"{hourly} an hour, used or not; {whole} in {plan.hours:g} hours"),)


def _machines(plan: PromotionPlan) -> str:
    return plan.machine if plan.instances == 1 else f"{plan.instances} x {plan.machine}"


def _quota(plan: PromotionPlan) -> str:
    if plan.instances_in_switch == plan.instances:
        return f"for {plan.instances} of them"
    return (
        f"for {plan.instances_in_switch} of them during the switch, when old and new are both up; "
        f"{plan.instances} after it"
    )


def _served(view: PromotionView) -> str:
    if view.live_at is None or view.ended_at is None:
        return ""
    return duration((view.ended_at - view.live_at).total_seconds())
