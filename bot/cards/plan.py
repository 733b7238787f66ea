"""The card that says what a run would take, before anything is spent."""

from microsoft_teams.cards import Action, CardElement

from bot.cards.buttons import press
from bot.cards.card import Card
from bot.cards.elements import facts, heading, notice, sentence, short, title
from bot.cards.facts import cost_facts, difference_facts, size_facts
from bot.cards.frame import card
from bot.cards.numbers import money
from bot.domain.posts import PlanPost


def plan_card(post: PlanPost) -> Card:
    """Draw cost and time first; Start and Change stand only on an open plan."""
    body: list[CardElement] = title(f"Plan: {post.name}", f"{post.recipe_title} ({post.recipe})")
    body += facts((*cost_facts(post.plan), *machine_facts(post), *size_facts(post.plan)))
    body.append(sentence(post.plan.basis, is_subtle=True))
    body += differences(difference_facts(post.plan))
    body += [notice(f"! {warning}", "Warning") for warning in post.plan.warnings]
    if post.approval_why:
        body.append(notice(f"Needs another person's approval: {post.approval_why}", "Warning"))
    if post.state == "started":
        body.append(notice(f"✓ Started by {post.started_by or post.requester}.", "Good"))
    if post.state == "replaced":
        body.append(notice("Replaced by a newer plan.", "Default"))
    return card(_summary(post), body, _actions(post))


def machine_facts(post: PlanPost) -> tuple[tuple[str, str], ...]:
    """Return machine with its price, data, method and the person."""
    price = f"{money(post.plan.price_per_hour, post.plan.currency)} an hour"
    return (
        ("Machine", f"{post.machine}, {price}"),
        ("Data", post.data),
        ("Method", post.method),
        ("Asked by", post.requester),
    )


def differences(rows: tuple[tuple[str, str], ...]) -> list[CardElement]:
    """Return what is not the recipe's, or a line that says that nothing is."""
    if not rows:
        return [sentence("All settings are the recipe's.", is_subtle=True)]
    return [heading("Different from the recipe"), *facts(rows)]


def _actions(post: PlanPost) -> list[Action]:
    if post.state != "open":
        return []
    start = "Ask for approval" if post.approval_why else "Start"
    return [
        press(start, {"action": "start", "draft": post.draft_id}, "positive"),
        press("Change", {"action": "change", "draft": post.draft_id}),
    ]


def _summary(post: PlanPost) -> str:
    cost = money(post.plan.cost, post.plan.currency)
    state = {"open": "plan", "started": "started", "replaced": "plan replaced"}[post.state]
    return short(f"{post.name}: {state}, about {cost}")
