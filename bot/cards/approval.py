"""The question to the approvers; its final form says who decided what, and why."""

from microsoft_teams.cards import Action, CardElement, TextBlock, TextInput

from bot.cards.buttons import open_page, press, unfold
from bot.cards.card import Card, Links
from bot.cards.elements import facts, notice, sentence, short, title
from bot.cards.facts import cost_facts, difference_facts, size_facts
from bot.cards.frame import card
from bot.cards.numbers import client_moment, money
from bot.cards.plan import differences
from bot.domain.posts import ApprovalPost
from bot.domain.run import RunStatus
from bot.domain.view import PendingApproval, RunView


def approval_card(post: ApprovalPost, links: Links) -> Card:
    """Draw who asks for what, what it costs and why it is asked; then the buttons or the answer."""
    run = post.run
    body = title(f"Approve {run.name}?" if run.approval else f"Approval of {run.name}", run.recipe)
    if run.approval is None:
        body.append(_outcome(run))
    else:
        body.append(notice(f"{run.requester} asks: {run.approval.why}", "Warning"))
    body += facts((*cost_facts(run.plan), *size_facts(run.plan), ("Asked by", run.requester)))
    body += differences(difference_facts(run.plan))
    if run.approval is not None:
        who = ", ".join(post.may_decide) or "nobody; ask an admin to name approvers"
        body.append(sentence(f"Who can decide: {who}. Not {run.requester}.", is_subtle=True))
        body.append(_expiry(run.approval))
    return card(_summary(run), body, _actions(run, links))


def outcome_words(run: RunView) -> str:
    """Return one sentence on what became of the question."""
    reason = f": {run.decision_reason}" if run.decision_reason else "."
    if run.decided_by and run.status is RunStatus.REJECTED:
        return f"Rejected by {run.decided_by}{reason}"
    if run.decided_by:
        return f"Approved by {run.decided_by}{reason}"
    if run.status is RunStatus.EXPIRED:
        return "Expired: nobody decided in time."
    return f"Withdrawn before anybody decided. {run.headline}"


def _outcome(run: RunView) -> CardElement:
    if run.decided_by is None:
        return notice(f"■ {outcome_words(run)}", "Warning")
    if run.status is RunStatus.REJECTED:
        return notice(f"✗ {outcome_words(run)}", "Attention")
    return notice(f"✓ {outcome_words(run)}", "Good")


def _expiry(approval: PendingApproval) -> TextBlock:
    # A TextBlock, for clients put the reader's own time into it; nobody's words are in it.
    return TextBlock(
        text=f"Expires {client_moment(approval.expires_at)}.",
        wrap=True,
        is_subtle=True,
        spacing="None",
    )


def _summary(run: RunView) -> str:
    cost = money(run.plan.cost, run.plan.currency)
    if run.approval is None:
        return short(f"{run.name}: {outcome_words(run)}")
    return short(f"{run.requester} asks for approval: {run.name}, about {cost}")


def _actions(run: RunView, links: Links) -> list[Action]:
    opened = open_page(links.run(run.id))
    if run.approval is None:
        return [opened]
    key = run.approval.key
    reason = TextInput(
        id="reason",
        label="Reason",
        placeholder="What should change?",
        is_multiline=True,
        is_required=True,
        error_message="Say why, so that it can be changed.",
        max_length=500,
    )
    reject = press("Reject", {"action": "reject", "approval": key}, "destructive")
    return [
        press("Approve", {"action": "approve", "approval": key}, "positive"),
        unfold("Reject …", [reason], reject),
        opened,
    ]
