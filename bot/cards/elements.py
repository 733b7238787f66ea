"""The pieces that cards are made of; every text in them that is not ours is a `TextRun`."""

import re
from collections.abc import Iterable, Sequence

from microsoft_teams.cards import (
    CardElement,
    Column,
    ColumnSet,
    Container,
    RichTextBlock,
    TextBlock,
    TextRun,
)
from microsoft_teams.cards.core import (
    ContainerStyle,
    Spacing,
    TextColor,
)

from bot.cards.card import Mention
from bot.cards.escape import code, cut, flat, paragraphs, plain
from bot.cards.facts import Facts
from bot.cards.status import Look

# Labels of facts; at 320 px it leaves 140 px for the value, which wraps.
_LABEL_WIDTH = "112px"
_GROUNDS: dict[TextColor, ContainerStyle] = {
    "Good": "good",
    "Warning": "warning",
    "Attention": "attention",
}
_COMMAND = re.compile(r"`([^`]+)`")


def title(text: str, subtitle: str = "") -> list[CardElement]:
    """Return the card's first lines: a name, and what it is."""
    name = TextRun(text=plain(text, 200), size="Large", weight="Bolder")
    parts: list[CardElement] = [rich([name])]
    if subtitle:
        parts.append(sentence(subtitle, is_subtle=True, spacing="None"))
    return parts


def status_title(text: str, subtitle: str, look: Look) -> list[CardElement]:
    """Return the first lines of a run's card, with its status in word and glyph."""
    state = TextRun(text=look.label, color=look.color, weight="Bolder")
    return [*title(text, subtitle), rich([state], "Small")]


def rich(runs: Sequence[TextRun], spacing: Spacing | None = None) -> RichTextBlock:
    """Return a paragraph of inert pieces; an empty one keeps its line."""
    inlines: list[CardElement] = [*runs] or [TextRun(text=" ")]
    return RichTextBlock(inlines=inlines, spacing=spacing)


def heading(text: str) -> TextBlock:
    """Return the heading of a part; `text` is ours, so that Markdown cannot be in it."""
    return TextBlock(
        text=text, wrap=True, weight="Bolder", style="heading", size="Default", spacing="Medium"
    )


def sentence(
    text: str,
    color: TextColor | None = None,
    *,
    is_subtle: bool | None = None,
    spacing: Spacing | None = None,
) -> RichTextBlock:
    """Return one inert paragraph; what stands in backticks is set in a fixed-width font."""
    runs = [
        TextRun(
            text=part,
            color=color,
            is_subtle=is_subtle,
            font_type="Monospace" if index % 2 else None,
        )
        for index, part in enumerate(_COMMAND.split(plain(text)))
        if part
    ]
    return rich(runs, spacing)


def sentences(text: str, color: TextColor | None = None) -> list[CardElement]:
    """Return one paragraph for each line of the text."""
    return [sentence(line, color) for line in paragraphs(text)]


def facts(rows: Facts) -> list[CardElement]:
    """Return labels and values side by side.

    Not a FactSet: its values are Markdown, and people's words stand in them.
    """
    return [
        _fact(label, value, "Small" if i else "Medium") for i, (label, value) in enumerate(rows)
    ]


def code_lines(lines: Iterable[str], most: int = 500) -> Container:
    """Return log lines in a fixed-width font on a shaded ground, one block each."""
    items: list[CardElement] = [
        rich([TextRun(text=code(line, most) or " ", font_type="Monospace", size="Small")], "None")
        for line in lines
    ]
    return Container(style="emphasis", items=items, spacing="Small")


def notice(text: str, color: TextColor) -> Container:
    """Return a sentence that must not be overlooked."""
    style = _GROUNDS.get(color, "emphasis")
    return Container(style=style, items=[sentence(text)], spacing="Medium")


def mentioned(person: Mention) -> TextBlock:
    """Return the line that mentions somebody whose name `mention_name` has made."""
    # A mention works in a TextBlock only; `mention_name` has left no Markdown in it.
    return TextBlock(text=f"<at>{person.name}</at>", wrap=True, spacing="Small")


def short(text: str, most: int = 160) -> str:
    """Return one inert line for a toast."""
    return cut(plain(text), most)


def _fact(label: str, value: str, spacing: Spacing) -> ColumnSet:
    return ColumnSet(
        spacing=spacing,
        columns=[
            Column(width=_LABEL_WIDTH, items=[sentence(label, is_subtle=True)]),
            Column(width="stretch", items=[sentence(flat(value, 400))]),
        ],
    )
