"""The list of runs: two lines for each, so that it reads on a phone."""

from microsoft_teams.cards import CardElement, Container, OpenUrlAction, TextBlock, TextRun

from bot.cards.buttons import open_page
from bot.cards.card import Card, Links
from bot.cards.elements import rich, sentence, short, title
from bot.cards.escape import plain
from bot.cards.facts import step_words
from bot.cards.frame import card
from bot.cards.numbers import client_moment, loss
from bot.cards.status import look_of
from bot.domain.posts import RunsPost
from bot.domain.view import RunView

MOST = 15


def runs_card(post: RunsPost, links: Links) -> Card:
    """Draw the newest runs; each row opens its run's page."""
    body: list[CardElement] = title(post.title)
    body += [_row(run, links) for run in post.runs[:MOST]]
    if not post.runs:
        body.append(sentence("No runs."))
    more = post.total - len(post.runs[:MOST])
    if more > 0:
        body.append(sentence(f"… {more:,} more on the page of all runs.", is_subtle=True))
    if post.hint:
        body.append(sentence(post.hint, is_subtle=True))
    return card(_summary(post), body, [open_page(links.runs(), "All runs")])


def row_words(run: RunView) -> str:
    """Return what a list says of a run beside name and status."""
    known = (
        step_words(run) if run.step and not run.status.is_final else "",
        f"loss {loss(run.loss)}" if run.loss is not None else "",
        run.requester,
    )
    return ", ".join(part for part in known if part)


def _row(run: RunView, links: Links) -> Container:
    look = look_of(run)
    first = [
        TextRun(text=plain(run.name, 60), weight="Bolder", color="Accent"),
        TextRun(text="   "),
        TextRun(text=look.label, color=look.color),
    ]
    when = TextBlock(
        text=client_moment(run.created_at), wrap=True, is_subtle=True, size="Small", spacing="None"
    )
    return Container(
        separator=True,
        spacing="Small",
        select_action=OpenUrlAction(
            title=plain(f"Open {run.name}", 80), url=links.run(run.id), tooltip=plain(run.id)
        ),
        items=[
            rich(first),
            sentence(f"{row_words(run)}, `{run.id}`", is_subtle=True, spacing="None"),
            when,
        ],
    )


def _summary(post: RunsPost) -> str:
    if not post.runs:
        return short(f"{post.title}: none")
    newest = post.runs[0]
    return short(
        f"{post.title}: {post.total}, newest {newest.name} ({look_of(newest).word.lower()})"
    )
