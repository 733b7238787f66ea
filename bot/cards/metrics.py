"""The card of a run's numbers, with its loss as a small chart."""

from microsoft_teams.cards import Action, CardElement

from bot.cards.buttons import open_page
from bot.cards.card import Card, Links
from bot.cards.chart import loss_chart
from bot.cards.elements import facts, sentence, short, status_title
from bot.cards.facts import Facts, step_words
from bot.cards.frame import card
from bot.cards.numbers import loss
from bot.cards.status import look_of
from bot.domain.posts import MetricRow, MetricsPost

MOST = 20


def metrics_card(post: MetricsPost, links: Links) -> Card:
    """Draw last and best of each metric."""
    run = post.run
    body: list[CardElement] = status_title(f"Metrics of {run.name}", step_words(run), look_of(run))
    body += loss_chart(run.curve)
    body += facts(metric_facts(post.rows[:MOST]))
    if not post.rows:
        body.append(sentence("Nothing is measured yet."))
    if len(post.rows) > MOST:
        body.append(sentence(f"… {len(post.rows) - MOST} more on the run page.", is_subtle=True))
    actions: list[Action] = [open_page(f"{links.run(run.id)}/metrics", "Charts")]
    return card(_summary(post), body, actions)


def metric_facts(rows: tuple[MetricRow, ...]) -> Facts:
    """Return each metric's last and best value with their steps."""
    return tuple((row.name, _values(row)) for row in rows)


def _values(row: MetricRow) -> str:
    last = f"{loss(row.last)} at step {row.last_step:,}"
    if row.best_step == row.last_step:
        return f"{last} (best)"
    return f"{last}, best {loss(row.best)} at step {row.best_step:,}"


def _summary(post: MetricsPost) -> str:
    if not post.rows:
        return short(f"{post.run.name}: nothing is measured yet")
    first = post.rows[0]
    return short(f"{post.run.name}: {first.name} {loss(first.last)} at step {first.last_step:,}")
