"""The finished card: version, mentions, width, and the sentence for toasts."""

from collections.abc import Sequence

from microsoft_teams.cards import Action, AdaptiveCard, CardElement
from microsoft_teams.cards import Mention as CardMention
from microsoft_teams.cards.core import MentionedEntity, TeamsCardProperties

from bot.cards.card import Card, Mention


def card(
    summary: str,
    body: Sequence[CardElement],
    actions: Sequence[Action] = (),
    mentions: Sequence[Mention] = (),
) -> Card:
    """Return the finished card; `summary` stands where the card cannot be drawn."""
    entities = [
        CardMention(
            text=f"<at>{mention.name}</at>",
            mentioned=MentionedEntity(id=mention.id, name=mention.name),
        )
        for mention in mentions
    ]
    drawn = AdaptiveCard(
        version="1.5",
        lang="en",
        fallback_text=summary,
        body=list(body),
        actions=list(actions) or None,
        msteams=TeamsCardProperties(width="full", entities=entities or None),
    )
    return Card(drawn.model_dump(exclude_none=True), summary, tuple(mentions))
