"""The one message at a run's end; it mentions the requester, so that a phone rings."""

from microsoft_teams.cards import Action, CardElement

from bot.cards.buttons import open_page, press
from bot.cards.card import Card, Links, Mention
from bot.cards.chart import loss_chart
from bot.cards.elements import (
    code_lines,
    facts,
    heading,
    mentioned,
    status_title,
)
from bot.cards.escape import mention_name
from bot.cards.facts import run_facts, summary
from bot.cards.frame import card
from bot.cards.run import outcome, promote, undelivered
from bot.cards.status import look_of
from bot.domain.posts import AlertPost
from bot.domain.view import Diagnosis, RunView

LOG_LINES = 12


def alert_card(post: AlertPost, links: Links) -> Card:
    """Draw how it ended: result against the goal, or cause, remedy and the log's last lines."""
    run = post.run
    mention = Mention(post.mention_id, mention_name(post.mention_name))
    body = status_title(run.name, f"{run.recipe}, `{run.id}`", look_of(run))
    body.append(mentioned(mention))
    body += outcome(run)
    body += facts(run_facts(run))
    body += _log_tail(run.diagnosis) if run.diagnosis else loss_chart(run.curve)
    body += undelivered(run)
    return card(summary(run), body, _actions(run, links), [mention])


def _log_tail(found: Diagnosis) -> list[CardElement]:
    if not found.log_tail:
        return []
    return [heading("Last log lines"), code_lines(found.log_tail[-LOG_LINES:], 300)]


def _actions(run: RunView, links: Links) -> list[Action]:
    return [
        open_page(links.run(run.id)),
        press("Run again", {"action": "rerun", "run": run.id}),
        *promote(run),
    ]
