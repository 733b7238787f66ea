"""The finished card: version, mentions, width, size, and the sentence for toasts."""

import json
from collections.abc import Sequence
from typing import Any

from microsoft_teams.cards import Action, AdaptiveCard, CardElement
from microsoft_teams.cards import Mention as CardMention
from microsoft_teams.cards.core import MentionedEntity, TeamsCardProperties

from bot.cards.card import Card, Mention
from bot.cards.elements import sentence

# Teams refuses messages of about 100 KB, counted in UTF-16, the activity around the card included.
MOST_BYTES = 80_000
_CUT = "… The rest does not fit into a card."


def card(
    summary: str,
    body: Sequence[CardElement],
    actions: Sequence[Action] = (),
    mentions: Sequence[Mention] = (),
) -> Card:
    """Return the finished card; `summary` stands where the card cannot be drawn.

    A card that Teams would refuse for its size loses the end of its body, and says so.
    """
    drawn = _draw(summary, body, actions, mentions)
    kept = list(body)
    while size(drawn) > MOST_BYTES and kept:
        kept = kept[: len(kept) * 3 // 4]
        drawn = _draw(summary, [*kept, sentence(_CUT)], actions, mentions)
    return Card(drawn, summary, tuple(mentions))


def size(body: dict[str, Any]) -> int:
    """Return the bytes of a card as Teams counts them."""
    return len(json.dumps(body, ensure_ascii=False).encode("utf-16-le"))


def _draw(
    summary: str,
    body: Sequence[CardElement],
    actions: Sequence[Action],
    mentions: Sequence[Mention],
) -> dict[str, Any]:
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
    return drawn.model_dump(exclude_none=True)
