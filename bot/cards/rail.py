"""The stage rail: queued > approved > prepare > training > evaluation."""

from microsoft_teams.cards import RichTextBlock, TextRun

from bot.cards.elements import rich
from bot.cards.escape import plain
from bot.cards.numbers import duration
from bot.cards.status import RAIL_LOOKS
from bot.domain.view import RailStage, RailState

_TEXT_MARKS = {
    RailState.AHEAD: "",
    RailState.NOW: " …",
    RailState.DONE: " ✓",
    RailState.FAILED: " ✗",
    RailState.SKIPPED: " ·",
}


def rail_block(stages: tuple[RailStage, ...]) -> RichTextBlock:
    """Return the rail as one paragraph that wraps on a phone; glyphs say what colours say."""
    runs: list[TextRun] = []
    for index, stage in enumerate(stages):
        look = RAIL_LOOKS[stage.state]
        if index:
            runs.append(TextRun(text=" → ", is_subtle=True))
        runs.append(
            TextRun(
                text=f"{look.glyph}\u00a0{_name(stage)}",
                color=look.color,
                weight="Bolder" if stage.state is RailState.NOW else None,
                is_subtle=stage.state in (RailState.AHEAD, RailState.SKIPPED) or None,
            )
        )
    return rich(runs, "Small")


def rail_line(stages: tuple[RailStage, ...]) -> str:
    """Return the rail for a terminal: `queued ✓ > prepare … > training`."""
    return " > ".join(plain(stage.name, 40) + _TEXT_MARKS[stage.state] for stage in stages)


def _name(stage: RailStage) -> str:
    name = plain(stage.name, 40)
    if stage.seconds is None or stage.seconds < 1 or stage.state is RailState.AHEAD:
        return name
    return f"{name} {duration(stage.seconds)}".replace(" ", "\u00a0")
