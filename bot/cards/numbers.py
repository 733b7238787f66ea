"""Numbers in words for people: counts, times, money, memory, losses."""

import math
from datetime import UTC, datetime
from typing import Any

UNKNOWN = "unknown"


def count(number: float) -> str:
    """Return a count: 812, 12,345, 12.3 M, 1.5 B, 2 T (steps of a thousand, from a million on)."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if abs(number) >= size * 0.9995:
            return f"{number / size:.3g} {unit}" if number < 999.5 * size else f"{number:,.0f}"
    return f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """Return a time with at most two units: 40 s, 1 min 20 s, 2 h 5 min, 3 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    for size, unit, part, part_unit in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // part
            return (
                f"{whole // size} {unit} {rest} {part_unit}" if rest else f"{whole // size} {unit}"
            )
    return f"{whole} s"


def duration_range(low: float, middle: float, high: float) -> str:
    """Return `about 40 s (30 s to 1 min)`."""
    return _ranged(duration(low), duration(middle), duration(high))


def money(amount: float, currency: str) -> str:
    """Return `EUR 0.02`; what is less than a hundredth but not nothing is `under EUR 0.01`."""
    if not math.isfinite(amount):
        return UNKNOWN
    if 0 < amount < 0.005:
        return f"under {currency} 0.01"
    return f"{currency} {amount:,.2f}"


def money_range(low: float, middle: float, high: float, *, currency: str) -> str:
    """Return `about EUR 0.03 (EUR 0.02 to EUR 0.05)`."""
    return _ranged(money(low, currency), money(middle, currency), money(high, currency))


def memory(size_bytes: float) -> str:
    """Return a size in the unit that fits: 512 MB, 1.4 GB (powers of 1000)."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size_bytes >= size:
            return f"{significant(size_bytes / size)} {unit}"
    return f"{max(1, round(size_bytes / 1e3))} kB"


def loss(value: float | None) -> str:
    """Return a loss with three digits that mean something; a broken one is `not a number`."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    return significant(value)


def significant(value: float) -> str:
    """Return a number with three significant digits and no exponent where one can be avoided."""
    if value == 0:
        return "0"
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return f"{value:.3g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def percent(part: float, whole: float) -> str:
    """Return a share as whole percent, never 100 % before it is all: 12 %."""
    return f"{share(part, whole)} %"


def share(part: float, whole: float) -> int:
    """Return the share in percent, from 0 to 100, rounded down."""
    return min(100, max(0, math.floor(100 * part / whole))) if whole > 0 else 0


def rate(tokens_per_s: float) -> str:
    """Return a throughput in tokens a second."""
    return f"{count(tokens_per_s)} tokens/s" if math.isfinite(tokens_per_s) else UNKNOWN


def setting(value: Any) -> str:
    """Return a value of a spec as a person would type it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(setting(item) for item in value) or "none"
    return str(value)


def moment(at: datetime) -> str:
    """Return a time in UTC, for places where the reader's own zone is not known."""
    return f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"


def client_moment(at: datetime) -> str:
    """Return a time that the client turns into the reader's own; in a TextBlock only."""
    utc = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"{{{{DATE({utc},SHORT)}}}} {{{{TIME({utc})}}}}"


def _ranged(low: str, middle: str, high: str) -> str:
    about = middle if middle.startswith("under") else f"about {middle}"
    if low == middle == high:
        return about
    if low == middle == about:  # both under what can be told apart
        return f"{about}, at most {high}"
    return f"{about} ({low} to {high})"
