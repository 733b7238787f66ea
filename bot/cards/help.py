"""The card that lists the commands, or explains one of them."""

from microsoft_teams.cards import Action, CardElement, Column, ColumnSet

from bot.cards.buttons import say
from bot.cards.card import Card
from bot.cards.elements import sentence, sentences, short, title
from bot.cards.frame import card
from bot.domain.posts import CommandHelp, HelpPost

_EXAMPLES = 3


def help_card(post: HelpPost) -> Card:
    """Draw each command with what it does; the first examples can be pressed."""
    is_one = len(post.commands) == 1
    body: list[CardElement] = title(post.commands[0].usage if is_one else "What you can ask")
    body += sentences(post.greeting)
    for command in post.commands:
        body += _one(command) if is_one else [_row(command)]
    actions: list[Action] = [say(command.example) for command in post.commands[:_EXAMPLES]]
    summary = short(f"Help: {post.commands[0].usage}") if is_one else "What you can ask"
    return card(summary, body, actions)


def _one(command: CommandHelp) -> list[CardElement]:
    return [*sentences(command.summary), sentence(f"For example: `{command.example}`")]


def _row(command: CommandHelp) -> ColumnSet:
    usage = sentence(f"`{command.usage}`", "Accent")
    what = sentence(command.summary, spacing="None")
    example = sentence(f"e.g. `{command.example}`", is_subtle=True, spacing="None")
    parts: list[CardElement] = [usage, what]
    if command.example != command.usage:
        parts.append(example)
    return ColumnSet(columns=[Column(width="stretch", items=parts)], spacing="Small")
