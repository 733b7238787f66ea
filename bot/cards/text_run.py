"""Plan, run, alert and approval as plain text."""

from bot.cards.approval import answer_words
from bot.cards.card import Links
from bot.cards.facts import (
    Facts,
    cost_facts,
    difference_facts,
    loss_words,
    run_facts,
    size_facts,
    step_words,
)
from bot.cards.metrics import metric_facts
from bot.cards.numbers import duration, moment, money, rate
from bot.cards.page import Page
from bot.cards.plan import machine_facts
from bot.cards.rail import rail_line
from bot.cards.sparkline import sparkline
from bot.cards.status import look_of
from bot.domain.posts import AlertPost, ApprovalPost, MetricsPost, PlanPost, RunPost
from bot.domain.run import RunStatus
from bot.domain.view import RunView


def plan_text(post: PlanPost) -> str:
    """Return the plan; the draft's id is what Start takes."""
    page = Page(f"Plan: {post.name} ({post.recipe_title})")
    page.facts((*cost_facts(post.plan), *machine_facts(post), *size_facts(post.plan)))
    page.say(post.plan.basis)
    _differences(page, difference_facts(post.plan))
    page.bullets(post.plan.warnings, "!")
    if post.approval_why:
        page.bullets([f"Needs another person's approval: {post.approval_why}"], "!")
    if post.state == "started":
        page.say(f"✓ Started by {post.started_by or post.requester}.")
    if post.state == "replaced":
        page.say("Replaced by a newer plan.")
    return page.facts((("Run id", post.draft_id),)).text()


def run_text(post: RunPost, links: Links) -> str:
    """Return what is going on, the rail, the numbers, the curve and a sample."""
    run = post.run
    page = Page(f"{run.name}  {look_of(run).label}  ({run.recipe}, asked by {run.requester})")
    page.say(run.headline)
    if run.why_waiting:
        page.say(run.why_waiting)
    page.bullets([run.trouble] if run.trouble else [], "!").say(rail_line(run.rail))
    is_going = run.step > 0 and not run.status.is_final
    done = (("Progress", step_words(run)),) if is_going else ()
    page.facts((*done, *run_facts(run), *_curve(run)))
    for sample in run.samples[-1:]:
        page.part("What the model writes").say(sample.prompt).code(sample.text.splitlines()[:6])
    if run.diagnosis:
        page.say(run.diagnosis.remedy)
    return page.bullets(run.undelivered, "!").link(links.run(run.id)).text()


def alert_text(post: AlertPost, links: Links) -> str:
    """Return how it ended, for whom, and what to do."""
    run = post.run
    page = Page(f"{run.name}  {look_of(run).label}  @{post.mention_name}").say(run.headline)
    if run.diagnosis:
        page.say(run.diagnosis.remedy)
    page.facts((*run_facts(run), *_curve(run)))
    if run.diagnosis and run.diagnosis.log_tail:
        page.part("Last log lines").code(run.diagnosis.log_tail)
    return page.bullets(run.undelivered, "!").link(links.run(run.id)).text()


def approval_text(post: ApprovalPost, links: Links) -> str:
    """Return the question, or the answer that it got."""
    run = post.run
    if run.approval is None:
        page = Page(f"Approval of {run.name}").say(answer_words(run))
    else:
        page = Page(f"Approve {run.name}? {run.requester} asks.").say(run.approval.why)
    page.facts((*cost_facts(run.plan), *size_facts(run.plan), ("Asked by", run.requester)))
    _differences(page, difference_facts(run.plan))
    if run.approval is not None:
        who = ", ".join(post.may_decide) or "nobody"
        page.facts((("Who decides", who), ("Expires", moment(run.approval.expires_at))))
    return page.link(links.run(run.id)).text()


def metrics_text(post: MetricsPost, links: Links) -> str:
    """Return last and best of each metric, and the curve."""
    page = Page(f"Metrics of {post.run.name}  {look_of(post.run).label}")
    page.facts((*metric_facts(post.rows), *_curve(post.run)))
    if not post.rows:
        page.say("Nothing is measured yet.")
    return page.link(f"{links.run(post.run.id)}/metrics").text()


def progress_line(post: RunPost) -> str:
    """Return a run in one line of at most 100 columns, to print while it goes on."""
    run = post.run
    if run.status is not RunStatus.TRAINING or not run.step:
        return Page(f"{run.name}: {look_of(run).label}. {run.headline}").text()
    known = (
        step_words(run),
        f"loss {loss_words(run)}" if run.loss is not None else "",
        rate(run.tokens_per_s) if run.tokens_per_s else "",
        f"{duration(run.eta_s)} left" if run.eta_s is not None else "",
        money(run.cost, run.plan.currency),
    )
    return Page(f"{run.name}: {', '.join(part for part in known if part)}").text()


def _differences(page: Page, rows: Facts) -> None:
    if rows:
        page.part("Different from the recipe").facts(rows)


def _curve(run: RunView) -> Facts:
    line = sparkline(run.curve, 48)
    return (("Curve", f"{line} {loss_words(run)}"),) if line else ()
