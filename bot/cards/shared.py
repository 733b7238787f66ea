"""A run as somebody shares it in another conversation: read it, open its page, nothing else.

Links unfold into Adaptive Cards 1.3 at most
(https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/link-unfurling), so
there is no Action.Execute, and no chart that would stand still.
"""

from dataclasses import dataclass

from bot.cards.buttons import open_page
from bot.cards.card import Card, Links
from bot.cards.elements import facts, sentences, status_title
from bot.cards.escape import plain
from bot.cards.facts import run_facts, summary
from bot.cards.frame import card
from bot.cards.run import subtitle
from bot.cards.runs import row_words
from bot.cards.status import look_of
from bot.domain.view import RunView

VERSION = "1.3"


@dataclass(frozen=True)
class Shared:
    """The card, and the two lines that stand for it in a list of results."""

    card: Card
    title: str
    text: str


def shared_card(run: RunView, links: Links) -> Shared:
    """Draw a run as it is now; the message is not edited later, so it says when it was."""
    look = look_of(run)
    body = status_title(run.name, subtitle(run), look)
    body += sentences(run.headline)
    body += facts(run_facts(run))
    drawn = card(summary(run), body, [open_page(links.run(run.id))])
    fitted = Card({**drawn.body, "version": VERSION}, drawn.summary)
    return Shared(fitted, plain(run.name, 60), plain(f"{look.word}: {row_words(run)}", 120))
