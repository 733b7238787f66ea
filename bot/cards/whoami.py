"""The card that says who the bot takes the person for, and what they may do."""

from microsoft_teams.cards import CardElement

from bot.cards.card import Card
from bot.cards.elements import facts, heading, notice, sentence, short, title
from bot.cards.frame import card
from bot.domain.posts import WhoamiPost


def whoami_card(post: WhoamiPost) -> Card:
    """Draw name, role and rights; the ids are what rights hang on, so they are shown."""
    body: list[CardElement] = title(post.name, post.role)
    if post.rights:
        body.append(heading("You may"))
        body += [sentence(f"•\u00a0{right}", spacing="None") for right in post.rights]
    body += facts((("Object id", post.person_id), ("Tenant", post.tenant)))
    if post.notice:
        body.append(notice(post.notice, "Warning"))
    return card(short(f"You are {post.name}, {post.role}"), body)
