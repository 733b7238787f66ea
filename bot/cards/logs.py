"""The card of a run's last log lines."""

from microsoft_teams.cards import Action, CardElement

from bot.cards.buttons import open_page
from bot.cards.card import Card, Links
from bot.cards.elements import code_lines, sentence, short, title
from bot.cards.frame import card
from bot.domain.posts import LogsPost

# 40 lines of 300 characters are 12,000 characters: far below what Teams refuses.
MOST, LONGEST = 40, 300


def logs_card(post: LogsPost, links: Links) -> Card:
    """Draw the last lines in a fixed-width font, and say which they are."""
    lines = post.lines[-MOST:]
    body: list[CardElement] = title(f"Log of {post.run_name}", position(post, len(lines)))
    body.append(code_lines(lines, LONGEST) if lines else sentence("Nothing is logged yet."))
    actions: list[Action] = [open_page(f"{links.run(post.run_id)}/logs", "Whole log")]
    return card(short(f"{post.run_name}: {position(post, len(lines))} of the log"), body, actions)


def position(post: LogsPost, shown: int) -> str:
    """Return which lines are shown: `lines 81 to 120 of 120`."""
    if not shown:
        return "no lines"
    first = post.first + len(post.lines) - shown
    return f"lines {first:,} to {first + shown - 1:,} of {max(post.total, first + shown - 1):,}"
