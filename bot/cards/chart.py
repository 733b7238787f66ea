"""Progress bar and loss chart, each with a form in text for clients that draw neither."""

from collections.abc import Sequence

from microsoft_teams.cards import (
    CardElement,
    LineChart,
    LineChartData,
    LineChartValue,
    ProgressBar,
    TextRun,
)

from bot.cards.elements import rich
from bot.cards.numbers import loss, share
from bot.cards.sparkline import finite, sparkline
from bot.domain.run import Point

_BLOCKS = 20


def bar(part: int, whole: int) -> ProgressBar:
    """Return a bar; the numbers stand beside it, so it needs no words of its own."""
    full = share(part, whole) * _BLOCKS // 100
    blocks = [
        TextRun(text="█" * full, color="Accent", font_type="Monospace"),
        TextRun(text="░" * (_BLOCKS - full), is_subtle=True, font_type="Monospace"),
    ]
    return ProgressBar(
        value=float(min(part, whole)),
        max=float(whole),
        color="Accent",
        spacing="Small",
        fallback=rich([block for block in blocks if block.text], "Small"),
    )


def loss_chart(curve: Sequence[Point]) -> list[CardElement]:
    """Return the loss over steps, or nothing where there are not two points to join."""
    points = finite(curve)
    if len(points) < 2:
        return []
    values = [LineChartValue(x=float(p.step), y=round(p.value, 4)) for p in points]
    return [
        LineChart(
            title=words(points),
            show_title=True,
            show_legend=False,
            x_axis_title="Step",
            y_axis_title="Loss",
            color="categoricalBlue",
            y_min=_floor(points),
            data=[LineChartData(legend="Loss", values=values, color="categoricalBlue")],
            fallback=_as_text(points),
        )
    ]


def words(points: Sequence[Point]) -> str:
    """Return the curve in words, for those who do not see it."""
    first, last = points[0], points[-1]
    before, after = loss(first.value), loss(last.value)
    return f"Loss {before} at step {first.step:,} → {after} at step {last.step:,}"


def _floor(points: Sequence[Point]) -> float:
    """Return where the axis begins: a little below the curve, for it would be flat above 0."""
    low, high = min(p.value for p in points), max(p.value for p in points)
    return round(low - 0.1 * ((high - low) or abs(low)), 2)


def _as_text(points: Sequence[Point]) -> CardElement:
    runs = [
        TextRun(text=f"{sparkline(points)}  ", color="Accent", font_type="Monospace"),
        TextRun(text=words(points), is_subtle=True),
    ]
    return rich(runs, "Small")
