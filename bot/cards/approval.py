"""The question to the approvers; its final form says who decided what, and why."""

from collections.abc import Sequence

from microsoft_teams.cards import Action, CardElement, TextBlock, TextInput

from bot.cards.buttons import open_page, press, unfold
from bot.cards.card import Card, Links
from bot.cards.elements import facts, notice, sentence, short, title
from bot.cards.facts import cost_facts, difference_facts, size_facts
from bot.cards.frame import card
from bot.cards.numbers import client_moment, money
from bot.cards.plan import differences
from bot.domain.posts import ApprovalPost
from bot.domain.promotion import PromotionStatus
from bot.domain.promotion_view import PromotionView
from bot.domain.reasons import because
from bot.domain.run import RunStatus
from bot.domain.view import PendingApproval, RunView

REJECTED = (RunStatus.REJECTED, PromotionStatus.REJECTED)
EXPIRED = (RunStatus.EXPIRED, PromotionStatus.EXPIRED)


def approval_card(post: ApprovalPost, links: Links) -> Card:
    """Draw who asks for what, what it costs and why it is asked; then the buttons or the answer."""
    run = post.run
    body = title(f"Approve {run.name}?" if run.approval else f"Approval of {run.name}", run.recipe)
    if run.approval is None:
        body.append(answer_line(run))
    else:
        body.append(notice(f"{run.requester} asks: {run.approval.why}", "Warning"))
    body += facts((*cost_facts(run.plan), *size_facts(run.plan), ("Asked by", run.requester)))
    body += differences(difference_facts(run.plan))
    if run.approval is not None:
        body += deciders(run.approval, post.may_decide, run.requester)
    return card(_summary(run), body, answer_buttons(run.approval, links.run(run.id)))


def answer_words(view: RunView | PromotionView) -> str:
    """Return one sentence on what became of the question about a run or a promotion."""
    if view.decided_by:
        verb = "Rejected" if view.status in REJECTED else "Approved"
        return f"{verb} by {view.decided_by}{because(view.decision_reason or '')}"
    if view.status in EXPIRED:
        return "Expired: nobody decided in time."
    return f"Withdrawn before anybody decided. {view.headline}"


def answer_line(view: RunView | PromotionView) -> CardElement:
    """Return what became of the question, in the colour and glyph of the answer."""
    if view.decided_by is None:
        return notice(f"■ {answer_words(view)}", "Warning")
    if view.status in REJECTED:
        return notice(f"✗ {answer_words(view)}", "Attention")
    return notice(f"✓ {answer_words(view)}", "Good")


def deciders(
    approval: PendingApproval, may_decide: Sequence[str], requester: str
) -> list[CardElement]:
    """Return who can answer, and until when."""
    who = ", ".join(may_decide) or "nobody; ask an admin to name approvers"
    # A TextBlock, for clients put the reader's own time into it; nobody's words are in it.
    until = f"Expires {client_moment(approval.expires_at)}."
    return [
        sentence(f"Who can decide: {who}. Not {requester}.", is_subtle=True),
        TextBlock(text=until, wrap=True, is_subtle=True, spacing="None"),
    ]


def answer_buttons(approval: PendingApproval | None, run_page: str) -> list[Action]:
    """Return the buttons that answer the question, while it is open, and the run's page."""
    opened = open_page(run_page)
    if approval is None:
        return [opened]
    key = approval.key
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


def _summary(run: RunView) -> str:
    cost = money(run.plan.cost, run.plan.currency)
    if run.approval is None:
        return short(f"{run.name}: {answer_words(run)}")
    return short(f"{run.requester} asks for approval: {run.name}, about {cost}")
