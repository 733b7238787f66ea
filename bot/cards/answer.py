"""The card of a sentence or two, with buttons for commands that would work."""

from microsoft_teams.cards import Action, CardElement
from microsoft_teams.cards.core import TextColor

from bot.cards.buttons import MOST, open_page, say
from bot.cards.card import Card, Links
from bot.cards.elements import notice, sentences, short
from bot.cards.escape import paragraphs
from bot.cards.frame import card
from bot.domain.posts import TextPost

_GLYPHS = {"plain": "", "good": "✓ ", "warning": "! ", "attention": "✗ "}
_COLORS: dict[str, TextColor] = {"good": "Good", "warning": "Warning", "attention": "Attention"}


def answer_card(post: TextPost, links: Links) -> Card:
    """Draw the sentences in their tone; a glyph says what the colour says."""
    first, *rest = paragraphs(post.text) or ("…",)
    lines = "\n".join(rest)
    body: list[CardElement] = sentences(f"{first}\n{lines}")
    if post.tone in _COLORS:
        body = [notice(_GLYPHS[post.tone] + first, _COLORS[post.tone]), *sentences(lines)]
    doors: list[Action] = [open_page(post.sign_in_url, "Sign in")] if post.sign_in_url else []
    if post.sweep_id:
        doors.append(open_page(links.sweep(post.sweep_id), "Open sweep"))
    actions = [*doors, *(say(text) for text in post.suggestions)][:MOST]
    return card(short(first), body, actions)
